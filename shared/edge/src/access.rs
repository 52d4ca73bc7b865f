//! Permissions for resources: values that only this module makes, from a verified token and the ids
//! of the path. Resources that callers may not see are hidden from them.
//!
//! Extract them before the body or the query: callers without the permission learn nothing about
//! faults in those.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use domain::company::Company;
use domain::company::audit::AuditActor;
use domain::crm::viewer::Viewer;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DepartmentId, MemberId, PersonId, UploadId};
use domain::media::upload::Upload;
use domain::radar::counter::Scope;
use http::request::Parts;

use crate::auth::{Actor, Caller, Membership};
use crate::problem::{Code, Problem};

/// A function that can look up cards.
pub trait CardLookup {
    /// Succeeds if the company has the card.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if it does not.
    fn find_card(&self, company: Company, card: CardId) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A function that can look up departments.
pub trait DepartmentLookup {
    /// Succeeds if the company has, or had, the department.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if it never had.
    fn find_department(
        &self,
        company: Company,
        department: DepartmentId,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A function that can look up uploads.
pub trait UploadLookup {
    /// The upload.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if the company does not have it.
    fn find_upload(&self, company: Company, upload: UploadId) -> impl Future<Output = Result<Upload, Failure>> + Send;
}

/// The owner of the card of the path, an admin or the boss.
#[derive(Debug, Clone, Copy)]
pub struct CardEditor {
    caller: Caller,
    card: CardId,
}

/// An admin or the boss, for the card of the path.
#[derive(Debug, Clone, Copy)]
pub struct CardAdmin(CardEditor);

/// A caller who may see a radar, and whose radar is on: the owner sees the radar of their card;
/// admins and the boss see the radars of every card, every department and the company. The path
/// names the radar: `card_id`, `department_id`, or neither for the company.
#[derive(Debug, Clone, Copy)]
pub struct RadarScope {
    company: Company,
    scope: Scope,
}

/// A caller who may see the radar of the card of the path, and whose radar is on: for handlers that
/// find the card in the same call as its numbers.
#[derive(Debug, Clone, Copy)]
pub struct CardRadar {
    company: Company,
    card: CardId,
}

/// A caller who may see and change the customers of the card of the path: its owner, an admin or
/// the boss. Whether their radar is on is checked after the customer is found.
#[derive(Debug, Clone, Copy)]
pub struct CustomerAccess {
    caller: Caller,
    member: MemberId,
    card: CardId,
    person: PersonId,
}

/// A member who names a customer of the company. Whether they may see them, and whether their radar is
/// on, is checked when the customer is read.
#[derive(Debug, Clone, Copy)]
pub struct CustomerCaller {
    caller: Caller,
    membership: Membership,
    person: PersonId,
}

/// The upload of the path, for a caller who may see it: its owner, an admin or the boss.
#[derive(Debug, Clone)]
pub struct UploadViewer(Upload);

impl CardEditor {
    /// The company.
    pub fn company(&self) -> Company {
        self.caller.company()
    }

    /// The card.
    pub fn card(&self) -> CardId {
        self.card
    }

    /// The actor for the audit log; `None` for the owner, who changes their own card.
    pub fn audit_actor(&self) -> Option<AuditActor> {
        self.caller.audit_actor().filter(|_| !self.caller.owns(self.card))
    }

    fn may_edit(caller: &Caller, card: CardId) -> bool {
        caller.is_admin() || caller.owns(card)
    }
}

impl CardAdmin {
    /// The right to edit, which these callers have too.
    pub fn editor(&self) -> CardEditor {
        self.0
    }

    /// The company.
    pub fn company(&self) -> Company {
        self.0.company()
    }
}

impl RadarScope {
    /// The company.
    pub fn company(&self) -> Company {
        self.company
    }

    /// A card, a department or the company.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The card; `None` for a department or the company.
    pub fn card(&self) -> Option<CardId> {
        match self.scope {
            Scope::Card(card) => Some(card),
            Scope::Department(_) | Scope::Company => None,
        }
    }
}

impl CardRadar {
    /// The company.
    pub fn company(&self) -> Company {
        self.company
    }

    /// The card.
    pub fn card(&self) -> CardId {
        self.card
    }
}

impl CustomerAccess {
    /// The company.
    pub fn company(&self) -> Company {
        self.caller.company()
    }

    /// The card.
    pub fn card(&self) -> CardId {
        self.card
    }

    /// The identity in the path.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// The member who calls.
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// Whether their radar is on.
    pub fn radar_on(&self) -> bool {
        self.caller.require_radar().is_ok()
    }
}

impl CustomerCaller {
    /// The company.
    pub fn company(&self) -> Company {
        self.caller.company()
    }

    /// The identity in the path.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// The member who looks.
    pub fn viewer(&self) -> Viewer {
        let Membership { member, card, .. } = self.membership;
        Viewer { member, card, admin: self.caller.is_admin() }
    }

    /// Whether their radar is on.
    pub fn radar_on(&self) -> bool {
        self.membership.radar
    }
}

impl Actor for CustomerCaller {
    fn actor(&self) -> String {
        self.caller.actor()
    }
}

impl UploadViewer {
    /// The upload.
    pub fn upload(self) -> Upload {
        self.0
    }
}

impl Actor for CustomerAccess {
    fn actor(&self) -> String {
        self.caller.actor()
    }
}

/// The ids of a path, by name.
async fn path_ids<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<HashMap<String, String>, Problem> {
    let ids = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
    ids.map(|Path(ids)| ids).map_err(|_| Problem::of(Code::NotFound))
}

/// The id of this name. Text that cannot be an id is `not_found`.
fn id<T: FromStr>(ids: &HashMap<String, String>, name: &str) -> Result<T, Problem> {
    ids.get(name).and_then(|text| text.parse().ok()).ok_or_else(|| Problem::of(Code::NotFound))
}

impl<S: CardLookup + Send + Sync> FromRequestParts<S> for CardEditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let card = id(&path_ids(parts, state).await?, "card_id")?;
        if Self::may_edit(&caller, card) {
            return Ok(Self { caller, card });
        }
        // Callers without the right get 403 for a card that exists, and 404 for one that does not.
        state.find_card(caller.company(), card).await?;
        Err(Problem::of(Code::RoleRequired))
    }
}

impl<S: CardLookup + Send + Sync> FromRequestParts<S> for CardAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let card = id(&path_ids(parts, state).await?, "card_id")?;
        if caller.is_admin() {
            return Ok(Self(CardEditor { caller, card }));
        }
        state.find_card(caller.company(), card).await?;
        Err(Problem::of(Code::RoleRequired))
    }
}

impl<S: CardLookup + DepartmentLookup + Send + Sync> FromRequestParts<S> for RadarScope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let (company, ids) = (caller.company(), path_ids(parts, state).await?);
        let scope = if ids.contains_key("card_id") {
            let card = id(&ids, "card_id")?;
            if !caller.owns(card) {
                require_admin(&caller)?;
                state.find_card(company, card).await?;
            }
            Scope::Card(card)
        } else if ids.contains_key("department_id") {
            let department = id(&ids, "department_id")?;
            require_admin(&caller)?;
            state.find_department(company, department).await?;
            Scope::Department(department)
        } else {
            require_admin(&caller)?;
            Scope::Company
        };
        // After the look-up: a caller whose radar is off learns no more than with it on.
        caller.require_radar()?;
        Ok(Self { company, scope })
    }
}

/// For other callers than admins and the boss, these radars do not exist.
fn require_admin(caller: &Caller) -> Result<(), Problem> {
    if caller.is_admin() { Ok(()) } else { Err(Problem::of(Code::NotFound)) }
}

impl<S: Send + Sync> FromRequestParts<S> for CardRadar {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let card = id(&path_ids(parts, state).await?, "card_id")?;
        if !CardEditor::may_edit(&caller, card) {
            return Err(Problem::of(Code::NotFound));
        }
        caller.require_radar()?;
        Ok(Self { company: caller.company(), card })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CustomerAccess {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let ids = path_ids(parts, state).await?;
        let (card, person) = (id(&ids, "card_id")?, id(&ids, "person_id")?);
        let member = caller.membership().filter(|_| CardEditor::may_edit(&caller, card));
        let Membership { member, .. } = member.ok_or_else(|| Problem::of(Code::NotFound))?;
        Ok(Self { caller, member, card, person })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CustomerCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let person = id(&path_ids(parts, state).await?, "person_id")?;
        let membership = caller.membership().ok_or_else(|| Problem::of(Code::NotFound))?;
        Ok(Self { caller, membership, person })
    }
}

impl<S: UploadLookup + Send + Sync> FromRequestParts<S> for UploadViewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let upload = id(&path_ids(parts, state).await?, "upload_id")?;
        let upload = state.find_upload(caller.company(), upload).await?;
        let own = caller.membership().is_some_and(|membership| membership.member == upload.member);
        if own || caller.is_admin() { Ok(Self(upload)) } else { Err(Problem::of(Code::NotFound)) }
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
