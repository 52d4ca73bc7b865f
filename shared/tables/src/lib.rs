//! Files of tables as Excel, WPS, Numbers and other programs write them (CSV, text, XLSX): bytes in, cells
//! out. Whatever the bytes are, time and memory are bounded.

mod archive;
mod parts;
mod text;
mod workbook;

use domain::crm::table::{FileTable, TableError};
use domain::media::upload::TABLE_BYTES_MAX;

/// What the old format of Excel begins with, and encrypted files of the new one.
const COMPOUND_FILE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];
/// What an archive begins with.
const ARCHIVE: &[u8] = &[0x50, 0x4b];

/// The table of a file: of a sheet, counted from 0, or else of the first one that has data.
///
/// # Errors
/// Why the file cannot be read.
pub fn read(bytes: &[u8], sheet: Option<usize>) -> Result<FileTable, TableError> {
    if bytes.len() as u64 > TABLE_BYTES_MAX {
        return Err(TableError::TooLarge);
    }
    let table = if bytes.starts_with(COMPOUND_FILE) {
        return Err(TableError::OldFormat);
    } else if bytes.starts_with(ARCHIVE) {
        workbook::read(bytes, sheet)?
    } else if sheet.unwrap_or_default() > 0 {
        return Err(TableError::UnknownSheet);
    } else {
        text::read(bytes)?
    };
    if table.rows.is_empty() { Err(TableError::Empty) } else { Ok(table) }
}

#[cfg(test)]
mod tests;
