//! Keys of handovers.

use domain::company::Company;
use domain::crm::handover::HandoverThing;
use domain::kernel::id::{HandoverId, MemberId};

use super::key::Key;

/// The partition of a company's handovers.
pub(crate) fn handovers(company: Company) -> String {
    format!("{}#HANDOVERS", company.id())
}

/// A handover.
pub(crate) fn handover(company: Company, handover: HandoverId) -> Key {
    Key::new(handovers(company), handover.to_string())
}

/// The open handover of a member's work.
pub(crate) fn handover_lock(company: Company, leaver: MemberId) -> Key {
    Key::new(format!("{}#HANDOVER_OF#{leaver}", company.id()), "OPEN")
}

/// How many things a handover has moved to whom.
pub(crate) fn handover_counts(company: Company, handover: HandoverId) -> Key {
    Key::new(format!("{}#HANDOVER#{handover}", company.id()), "COUNTS")
}

/// The partition of what a handover has moved.
pub(crate) fn handed_over_things(company: Company, handover: HandoverId) -> String {
    format!("{}#HANDED_OVER#{handover}", company.id())
}

/// A thing that a handover has moved, by its kind and id.
pub(crate) fn handed_over(company: Company, handover: HandoverId, thing: HandoverThing, what: &str) -> Key {
    Key::new(handed_over_things(company, handover), format!("{}#{what}", thing.name()))
}

/// The partition of what stays where it was.
pub(crate) fn staying_things(company: Company, handover: HandoverId) -> String {
    format!("{}#STAYING#{handover}", company.id())
}

/// A thing that stays where it was.
pub(crate) fn staying_thing(
    company: Company,
    handover: HandoverId,
    (thing, what): (HandoverThing, &str),
    undoing: bool,
) -> Key {
    let by = if undoing { "UNDO" } else { "MOVE" };
    Key::new(staying_things(company, handover), format!("{by}#{}#{what}", thing.name()))
}
