//! Keys of the lists of customers.

use domain::company::Company;
use domain::kernel::id::PersonId;

use super::key::Key;

/// The partition of a company's list of customers.
pub(crate) fn customer_list(company: Company) -> String {
    format!("{}#LIST", company.id())
}

/// The row of the person whose first identity this is.
pub(crate) fn customer_row(company: Company, person: PersonId) -> Key {
    Key::new(customer_list(company), person.to_string())
}

/// The identity in the key of a row.
pub(crate) fn customer_row_of(key: &Key) -> Option<PersonId> {
    key.sk.parse().ok()
}

/// How many customers there are of each kind, in parts: after every row, so that the newest customers are
/// read with it.
pub(crate) fn list_counts(company: Company, shard: u8) -> Key {
    Key::new(customer_list(company), format!("~COUNTS#{shard}"))
}
