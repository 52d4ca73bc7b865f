//! Whose radar a caller may see: the owner his card's, admins every card's, every
//! department's and the company's. To anybody else it does not exist. The radar must be on
//! (see `domain::activation`); while it is off, it says so.

use domain::counter::Scope;
use domain::id::{CardId, DepartmentId};
use edge::auth::Caller;
use edge::problem::{Code, Problem};

use crate::App;

/// The radar of a card.
pub(crate) async fn of_card(app: &App, caller: &Caller, card: CardId) -> Result<Scope, Problem> {
    if caller.is_admin() && !caller.owns(card) {
        app.store.card(caller.company(), card).await?;
    } else if !caller.owns(card) {
        return Err(Problem::of(Code::NotFound));
    }
    // After the look-up: whose radar is off learns no more than with it on.
    caller.require_radar()?;
    Ok(Scope::Card(card))
}

/// That the radar of a card, if there is one, may be shown: for who finds the card in the
/// same call as its numbers, and asks for the radar to be on afterwards.
pub(crate) fn may_see_card(caller: &Caller, card: CardId) -> Result<(), Problem> {
    if caller.is_admin() || caller.owns(card) { Ok(()) } else { Err(Problem::of(Code::NotFound)) }
}

/// The radar of a department, also of one that was removed: its numbers stay.
pub(crate) async fn of_department(app: &App, caller: &Caller, department: DepartmentId) -> Result<Scope, Problem> {
    let known = caller.is_admin() && app.store.departments(caller.company()).await?.has_known(department);
    if !known {
        return Err(Problem::of(Code::NotFound));
    }
    caller.require_radar()?;
    Ok(Scope::Department(department))
}

/// The radar of the company.
pub(crate) fn of_company(caller: &Caller) -> Result<Scope, Problem> {
    if !caller.is_admin() {
        return Err(Problem::of(Code::NotFound));
    }
    caller.require_radar()?;
    Ok(Scope::Company)
}
