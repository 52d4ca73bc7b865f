//! Customers of a table (导入客户): its rows, or the file that has them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::import_file::{ImportFile, RowNumbers};
use crate::crm::import_row::ImportRow;
use crate::kernel::id::{CardId, Id, JobId, PersonId};

/// Most rows of one import without a file.
pub const IMPORT_ROWS_MAX: usize = 1_000;
/// The part of an id that numbers the rows of an import.
const ROW_BITS: u128 = 0xffff_ffff;

/// What an import is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The card whose customers they become; none for customers of the company alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The rows; none of a file.
    pub rows: Vec<ImportRow>,
    /// The file that has the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<ImportFile>,
    /// The digest of card, rows and columns; empty while it is computed.
    #[serde(default)]
    pub digest: String,
    /// An import of the same table that has ended before its last row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<ResumedImport>,
}

/// An import that another one goes on with, from its first row: what is there is not imported again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedImport {
    /// The import that has ended.
    pub last: JobId,
    /// The first one of the table, by which its customers have their ids.
    pub first: JobId,
}

impl Import {
    /// The import by which its customers have their ids, if this one has the id `own`.
    pub fn first(&self, own: JobId) -> JobId {
        self.resumes.map_or(own, |resumed| resumed.first)
    }

    /// The numbers of its rows.
    pub fn numbers(&self) -> RowNumbers {
        let count = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.file.as_ref().map_or_else(|| RowNumbers::of(1..=count), |file| file.rows.clone())
    }
}

/// The identity that a row of an import makes: always the same, so that a step that is taken again finds it.
pub fn imported_person(import: JobId, row: u32) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(import.uuid().as_u128() & !ROW_BITS | u128::from(row)))
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
