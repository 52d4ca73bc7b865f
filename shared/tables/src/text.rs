//! Text files: CSV with commas, semicolons or tabs, in the encodings that spreadsheets write here.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};
use domain::crm::table::{CELL_CHARS_MAX, FileTable, TableBuilder, TableError};
use encoding_rs::{Encoding, GB18030, UTF_8};

const DELIMITERS: [u8; 3] = *b",;\t";
/// Records that are looked at to find the delimiter.
const LOOKED_AT: usize = 20;

pub(crate) fn read(bytes: &[u8]) -> Result<FileTable, TableError> {
    let text = decode(bytes)?;
    // One sign for the end of a line, so that lines can be counted.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let text = text.as_str();
    let (named, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        // Excel writes its delimiter into the first line.
        Some((sign, _)) if sign.len() == 1 => (sign.bytes().next(), text),
        _ => (None, text),
    };
    let delimiter = named.unwrap_or_else(|| delimiter_of(text));
    let (mut table, mut record) = (TableBuilder::default(), StringRecord::new());
    let mut reader = reader(text, delimiter);
    let (mut row, mut cut) = (0, false);
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|_| TableError::Unreadable)? {
            break;
        }
        let lines = reader.position().line() - line + u64::from(is_last_open(&reader, text));
        row = u32::saturating_add(row, empty_lines(&record, lines));
        if named.is_none() || row > 0 {
            for (column, cell) in record.iter().enumerate() {
                table.add(row, column, cell)?;
            }
        }
        row = row.saturating_add(1);
        cut = record.iter().any(|cell| cell.len() > CELL_CHARS_MAX && cell.contains('\n'));
    }
    // A quotation that does not end has swallowed all rows after it.
    if cut && text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(TableError::Unreadable);
    }
    Ok(FileTable { sheets: vec![String::new()], sheet: 0, rows: table.rows() })
}

/// The text of a file: by its mark, else UTF-8, else what Windows writes in China.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TableError> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => GB18030,
    };
    let (text, _, has_errors) = encoding.decode(bytes);
    // A text has no such characters; a picture does.
    let is_binary = text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{1a}'));
    if has_errors || is_binary { Err(TableError::Unreadable) } else { Ok(text) }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes())
}

/// Whether the last line was read, and does not end.
fn is_last_open(reader: &csv::Reader<&[u8]>, text: &str) -> bool {
    reader.position().byte() >= text.len() as u64 && !text.ends_with('\n')
}

/// Lines without anything in front of a record that took so many lines: rows that a spreadsheet counts.
fn empty_lines(record: &StringRecord, lines: u64) -> u32 {
    let within = record.as_slice().bytes().filter(|byte| *byte == b'\n').count() as u64;
    u32::try_from(lines.saturating_sub(within + 1)).unwrap_or(u32::MAX)
}

/// The delimiter by which the first rows have the most cells.
fn delimiter_of(text: &str) -> u8 {
    let cells = |delimiter: u8| -> usize {
        reader(text, delimiter).records().take(LOOKED_AT).flatten().map(|record| record.len() - 1).sum()
    };
    let [mut best, ..] = DELIMITERS;
    for delimiter in DELIMITERS {
        if cells(delimiter) > cells(best) {
            best = delimiter;
        }
    }
    best
}
