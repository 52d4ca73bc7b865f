//! How a customer stands in the company's list.

use std::collections::BTreeMap;

use crate::close_rate::model::Model;
use crate::crm::row::CustomerRow;
use crate::kernel::id::PersonId;

/// The versions that a row was made of, by identity: of the customer, and of the record.
pub type RowSources = BTreeMap<PersonId, (u64, u64)>;

/// A row as it was read; of version 0 there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedRow {
    /// Raised by one with every write.
    pub version: u64,
    /// What the row was made of.
    pub sources: RowSources,
    /// The row; none of one that cannot be read.
    pub row: Option<CustomerRow>,
}

/// The rows of a person's identities, as they were read to change the person. Only the first identity has
/// one, unless a merge came since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The rows.
    pub rows: BTreeMap<PersonId, ListedRow>,
    /// The model of the ranks.
    pub model: Model,
    /// Whether the company's list is packed: then each change leaves a copy of the row.
    pub has_blocks: bool,
}
