//! Keys of who owns customers.

use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::id::{MemberId, PersonId};

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

/// The partition of the customers whom a member is about to lose.
pub(crate) fn recycle_warnings(company: Company, member: MemberId) -> String {
    format!("{}#RECYCLE_WARNINGS#{member}", company.id())
}

/// A customer whom a member is about to lose, in the order of days.
pub(crate) fn recycle_warning(company: Company, member: MemberId, on: Day, person: PersonId) -> Key {
    Key::new(recycle_warnings(company, member), format!("{on}#{person}"))
}
