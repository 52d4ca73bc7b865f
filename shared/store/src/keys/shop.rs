//! Keys of the shop.

use domain::company::Company;

use super::key::Key;

/// The company's book of freight templates.
pub(crate) fn freight_book(company: Company) -> Key {
    Key::new(company.id().to_string(), "FREIGHT")
}
