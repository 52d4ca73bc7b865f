//! How a customer stands in the company's list, and what a change of them writes there.

use std::collections::BTreeMap;

use crate::close_rate::model::Model;
use crate::crm::list::{CustomerListKind, KindCounts};
use crate::crm::record::KnownCustomer;
use crate::crm::row::CustomerRow;
use crate::kernel::day::Day;
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
}

/// What is written to the list. Each row must still be the one that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUpdate {
    /// Rows to write, with the versions that were read.
    pub puts: Vec<(PersonId, ListedRow)>,
    /// Rows to delete.
    pub removed: Vec<(PersonId, u64)>,
    /// Rows that stay, and must.
    pub kept: Vec<(PersonId, u64)>,
    /// What changes in the number of customers of each kind.
    pub counts: BTreeMap<CustomerListKind, i64>,
}

/// The versions of what is known of a person.
pub fn sources(known: &KnownCustomer) -> RowSources {
    let mut sources = RowSources::new();
    for (person, customer) in &known.identities {
        sources.entry(*person).or_default().0 = customer.version;
    }
    for (person, record) in &known.records {
        sources.entry(*person).or_default().1 = record.version;
    }
    sources
}

impl Listed {
    /// Whether a row was made of something later than what is known: then it must be read again.
    pub fn is_ahead_of(&self, known: &KnownCustomer) -> bool {
        let read = sources(known);
        let is_later = |(person, (customer, record)): (&PersonId, &(u64, u64))| {
            read.get(person).is_some_and(|(known, kept)| customer > known || record > kept)
        };
        self.rows.values().any(|listed| listed.sources.iter().any(is_later))
    }

    /// What the list needs so that it has the person as they are known by then.
    pub fn update(&self, after: &KnownCustomer, today: Day) -> ListUpdate {
        let (first, row) = (after.first(), CustomerRow::of(after, &self.model, today));
        let mut update = ListUpdate::default();
        let mut is_listed = false;
        for (person, before) in self.rows.iter().filter(|(_, before)| before.version > 0) {
            let is_first = Some(*person) == first;
            if is_first && row.is_some() && before.row == row {
                is_listed = true;
                // What others change at the same moment of another identity may change the row with this.
                update.kept.extend((sources(after).len() > 1).then_some((*person, before.version)));
                continue;
            }
            before.row.iter().for_each(|listed| update.count(listed, -1));
            update.removed.extend((!is_first || row.is_none()).then_some((*person, before.version)));
        }
        if let (Some(row), Some(first), false) = (row, first, is_listed) {
            update.count(&row, 1);
            let version = self.rows.get(&first).map_or(0, |before| before.version);
            update.puts.push((first, ListedRow { version, sources: sources(after), row: Some(row) }));
        }
        update.counts.retain(|_, by| *by != 0);
        update
    }
}

impl ListUpdate {
    fn count(&mut self, row: &CustomerRow, by: i64) {
        for kind in KindCounts::kinds_of(row) {
            *self.counts.entry(kind).or_default() += by;
        }
    }

    /// Whether the list stays as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
#[path = "listed_tests.rs"]
mod tests;
