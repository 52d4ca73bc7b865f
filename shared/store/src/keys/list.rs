//! Keys of the lists of customers.

use domain::company::Company;
use domain::kernel::id::{MemberId, PersonId};

use super::crm::list_counts;
use super::key::Key;

/// How many items share the numbers of a company.
pub(crate) const COUNT_SHARDS: u8 = 4;

/// All numbers of the list.
pub(crate) fn all_list_counts(company: Company) -> Vec<Key> {
    (0..COUNT_SHARDS).map(|shard| list_counts(company, shard)).collect()
}

/// The partition of copies of rows that are in no block yet, and of what tells where the blocks are.
pub(crate) fn list_changes(company: Company) -> String {
    format!("{}#LIST_CHANGES", company.id())
}

/// Where the blocks are: before every copy.
pub(crate) fn list_head(company: Company) -> Key {
    Key::new(list_changes(company), "HEAD")
}

/// The copy of a row.
pub(crate) fn list_change(company: Company, person: PersonId) -> Key {
    Key::new(list_changes(company), person.to_string())
}

/// A block of the list, by the fold that made it.
pub(crate) fn list_block(company: Company, fold: u64, number: u32) -> Key {
    Key::new(format!("{}#LIST_BLOCK#{fold}#{number}", company.id()), "LIST_BLOCK")
}

/// The views of a member, or those of the company.
pub(crate) fn view_book(company: Company, member: Option<MemberId>) -> Key {
    let of = member.map_or_else(|| "ALL".to_owned(), |member| member.to_string());
    Key::new(format!("{}#VIEWS#{of}", company.id()), "VIEWS")
}
