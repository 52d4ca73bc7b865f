//! Keys of the CRM: customers and their owners, and what a company keeps for all of them.

use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::id::{AutomationRuleId, MemberId, PersonId};
use uuid::Uuid;

use super::key::Key;

/// The directory of a company's members.
pub(crate) fn member_directory(company: Company) -> Key {
    Key::new(company.id().to_string(), "DIRECTORY")
}

/// The company's rules for customers.
pub(crate) fn customer_rules(company: Company) -> Key {
    Key::new(company.id().to_string(), "CUSTOMER_RULES")
}

/// The partition of what a company's members hold.
pub(crate) fn holdings(company: Company) -> String {
    format!("{}#HOLDINGS", company.id())
}

/// What a member holds.
pub(crate) fn holding(company: Company, member: MemberId) -> Key {
    Key::new(holdings(company), member.to_string())
}

/// The company's book of tags.
pub(crate) fn tag_book(company: Company) -> Key {
    Key::new(company.id().to_string(), "TAGS")
}

/// The company's book of fields.
pub(crate) fn custom_field_book(company: Company) -> Key {
    Key::new(company.id().to_string(), "CUSTOM_FIELDS")
}

/// The partition of what a company's people keep of its customers.
pub(crate) fn customer_records(company: Company) -> String {
    format!("{}#CRM", company.id())
}

/// What is kept of an identity.
pub(crate) fn customer_record(company: Company, person: PersonId) -> Key {
    Key::new(customer_records(company), person.to_string())
}

/// The partition of an identity's timeline.
pub(crate) fn timeline(company: Company, person: PersonId) -> String {
    format!("{}#TIMELINE#{person}", company.id())
}

/// An entry of a timeline.
pub(crate) fn timeline_entry(company: Company, person: PersonId, entry: Uuid) -> Key {
    Key::new(timeline(company, person), entry.simple().to_string())
}

/// The partition of the follow-ups that a member has planned; of all members, for admins.
pub(crate) fn follow_up_plans(company: Company, member: Option<MemberId>) -> String {
    match member {
        Some(member) => format!("{}#PLANS#{member}", company.id()),
        None => format!("{}#PLANS#ALL", company.id()),
    }
}

/// A planned follow-up of an identity, in the order of time.
pub(crate) fn follow_up_plan(company: Company, member: Option<MemberId>, at_ms: i64, person: PersonId) -> Key {
    Key::new(follow_up_plans(company, member), format!("{at_ms:013}#{person}"))
}

/// The id in the key of a timeline's entry.
pub(crate) fn timeline_entry_of(key: &Key) -> Option<Uuid> {
    Uuid::try_parse(&key.sk).ok()
}

/// The identity in the key of its record.
pub(crate) fn customer_record_of(key: &Key) -> Option<PersonId> {
    key.sk.parse().ok()
}

/// An erasure, by the identity that asked for it.
pub(crate) fn erasure(company: Company, person: PersonId) -> Key {
    Key::new(format!("{}#ERASURE#{person}", company.id()), "ERASURE")
}

/// The identity in the key of an erasure.
pub(crate) fn erasure_of(key: &Key) -> Option<PersonId> {
    key.pk.split_once("#ERASURE#")?.1.parse().ok()
}

/// The partition of the customers whom a member is about to lose.
pub(crate) fn recycle_warnings(company: Company, member: MemberId) -> String {
    format!("{}#RECYCLE_WARNINGS#{member}", company.id())
}

/// A customer whom a member is about to lose, in the order of days.
pub(crate) fn recycle_warning(company: Company, member: MemberId, on: Day, person: PersonId) -> Key {
    Key::new(recycle_warnings(company, member), format!("{on}#{person}"))
}

/// The company's rules of automation, and how far they have looked.
pub(crate) fn automation(company: Company) -> Key {
    Key::new(company.id().to_string(), "AUTOMATION")
}

/// The partition of what a rule of automation has done.
pub(crate) fn automation_hits(company: Company, rule: AutomationRuleId) -> String {
    format!("{}#AUTOMATION#{rule}", company.id())
}

/// What a rule of automation has done to a customer.
pub(crate) fn automation_hit(company: Company, rule: AutomationRuleId, id: Uuid) -> Key {
    Key::new(automation_hits(company, rule), id.simple().to_string())
}

/// The partition of the notices that a member got from rules.
pub(crate) fn automation_notices(company: Company, member: MemberId) -> String {
    format!("{}#AUTOMATION_NOTICES#{member}", company.id())
}

/// A notice that a member got from a rule.
pub(crate) fn automation_notice(company: Company, member: MemberId, id: Uuid) -> Key {
    Key::new(automation_notices(company, member), id.simple().to_string())
}
