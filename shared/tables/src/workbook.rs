//! Workbooks (XLSX).

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{Cursor, Error, ErrorKind, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use domain::crm::table::{CELL_CHARS_MAX, FileTable, SHEETS_MAX, TABLE_TEXT_MAX, TableBuilder, TableError, TableRow};

use crate::archive;

/// What Numbers writes in front of several tables.
const SUMMARIES: [&str; 3] = ["Export Summary", "导出摘要", "导出概要"];
/// Most cells that are looked at: those that hold nothing count too.
const CELLS_MAX: usize = 1_500_000;
/// Most bytes of a cell that are looked at, and spaces in front of what is kept.
const CELL_BYTES_MAX: usize = 4 * CELL_CHARS_MAX + 192;
/// Most bytes of all cells that are looked at: one text can stand in each of them.
const TEXT_MAX: usize = 3 * TABLE_TEXT_MAX;
/// Bytes of a workbook that may be read a second time: directories and headers.
const AGAIN_MAX: usize = 1024 * 1024;
/// Digits of a number that a spreadsheet shows.
const DIGITS: usize = 15;

pub(crate) fn read(bytes: &[u8], sheet: Option<usize>) -> Result<FileTable, TableError> {
    let archive = archive::unpacked(bytes)?;
    // The reader is not ours: a file that breaks it is one that cannot be read.
    let left = Rc::new(Cell::new(archive.len().checked_add(AGAIN_MAX)));
    let archive = Once { archive: Cursor::new(archive), left: Rc::clone(&left) };
    let table = catch_unwind(AssertUnwindSafe(|| read_unpacked(archive, sheet))).unwrap_or(Err(TableError::Unreadable));
    if left.get().is_none() { Err(TableError::TooLarge) } else { table }
}

/// An archive of which each byte is read once: sheets could be the same part, over and over.
struct Once {
    archive: Cursor<Vec<u8>>,
    /// Bytes that may be read yet; nothing when more were wanted.
    left: Rc<Cell<Option<usize>>>,
}

impl Read for Once {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Error> {
        let len = self.archive.read(to)?;
        self.left.set(self.left.get().and_then(|left| left.checked_sub(len)));
        if self.left.get().is_some() { Ok(len) } else { Err(ErrorKind::QuotaExceeded.into()) }
    }
}

impl Seek for Once {
    fn seek(&mut self, to: SeekFrom) -> Result<u64, Error> {
        self.archive.seek(to)
    }
}

/// What may be looked at yet.
struct Left {
    cells: usize,
    text: usize,
}

fn read_unpacked(archive: Once, sheet: Option<usize>) -> Result<FileTable, TableError> {
    let mut workbook = Xlsx::new(archive).map_err(unreadable)?;
    let found: Vec<_> = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    if found.len() > SHEETS_MAX {
        return Err(TableError::TooLarge);
    }
    let is_offered: Vec<_> =
        found.iter().map(|sheet| sheet.visible == SheetVisible::Visible && !is_summary(&sheet.name)).collect();
    let sheets: Vec<_> = found.iter().map(|sheet| sheet.name.clone()).collect();
    let mut left = Left { cells: CELLS_MAX, text: TEXT_MAX };
    if let Some(chosen) = sheet {
        let name = sheets.get(chosen).ok_or(TableError::UnknownSheet)?.clone();
        let rows = rows_of(&mut workbook, &name, &mut left)?;
        return Ok(FileTable { sheets, sheet: chosen, rows });
    }
    // What is hidden or a summary is read if there is nothing else.
    for wanted in [true, false] {
        for (number, name) in sheets.iter().enumerate().filter(|(number, _)| is_offered[*number] == wanted) {
            let rows = rows_of(&mut workbook, name, &mut left)?;
            if !rows.is_empty() {
                return Ok(FileTable { sheet: number, rows, sheets: sheets.clone() });
            }
        }
    }
    Err(TableError::Empty)
}

fn is_summary(name: &str) -> bool {
    SUMMARIES.contains(&name)
}

fn rows_of(workbook: &mut Xlsx<Once>, name: &str, left: &mut Left) -> Result<Vec<TableRow>, TableError> {
    let mut table = TableBuilder::default();
    let mut cells = match workbook.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        left.cells = left.cells.checked_sub(1).ok_or(TableError::TooLarge)?;
        let text = text_of(cell.get_value());
        let text = &text[..text.floor_char_boundary(CELL_BYTES_MAX)];
        left.text = left.text.checked_sub(text.len()).ok_or(TableError::TooLarge)?;
        let (row, column) = cell.get_position();
        table.add(row, usize::try_from(column).unwrap_or(usize::MAX), text)?;
    }
    Ok(table.rows())
}

/// A cell as it is shown, but for its colours: numbers without an exponent, days as `2026-11-27`.
fn text_of<'a>(value: &'a DataRef<'_>) -> Cow<'a, str> {
    match value {
        DataRef::Int(number) => number.to_string().into(),
        DataRef::Float(number) => number_text(*number).into(),
        DataRef::String(text) | DataRef::DurationIso(text) => text.into(),
        DataRef::SharedString(text) => (*text).into(),
        DataRef::Bool(value) => (if *value { "TRUE" } else { "FALSE" }).into(),
        DataRef::DateTime(at) => time_text(at).into(),
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).replace('T', " ").into(),
        DataRef::Error(_) | DataRef::Empty => "".into(),
    }
}

/// A number with the digits that a spreadsheet shows.
fn number_text(number: f64) -> String {
    let rounded = format!("{number:.*e}", DIGITS - 1).parse().unwrap_or(number);
    if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}") }
}

fn time_text(at: &ExcelDateTime) -> String {
    // The numbers beyond are no days that a spreadsheet has: until the year 9999.
    let value = at.as_f64();
    if at.is_duration() || !(0.0..2_958_466.0).contains(&value) {
        return number_text(value);
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let time =
        if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") };
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (value < 1.0, value.fract() == 0.0) {
        (true, _) => time,
        (false, true) => date,
        (false, false) => format!("{date} {time}"),
    }
}

fn unreadable(_: XlsxError) -> TableError {
    TableError::Unreadable
}
