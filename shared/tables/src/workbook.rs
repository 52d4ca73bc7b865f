//! Workbooks (XLSX).

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use domain::crm::table::{FileTable, SHEETS_MAX, TableBuilder, TableError, TableRow};

use crate::archive;

/// What Numbers writes in front of several tables.
const SUMMARIES: [&str; 3] = ["Export Summary", "导出摘要", "导出概要"];
/// Most cells that are looked at: those that hold nothing count too.
const CELLS_MAX: usize = 1_500_000;
/// Digits of a number that a spreadsheet shows.
const DIGITS: usize = 15;

pub(crate) fn read(bytes: &[u8], sheet: Option<usize>) -> Result<FileTable, TableError> {
    let archive = archive::unpacked(bytes)?;
    // The reader is not ours: a file that breaks it is one that cannot be read.
    catch_unwind(AssertUnwindSafe(|| read_unpacked(archive, sheet))).unwrap_or(Err(TableError::Unreadable))
}

fn read_unpacked(archive: Vec<u8>, sheet: Option<usize>) -> Result<FileTable, TableError> {
    let mut workbook = Xlsx::new(Cursor::new(archive)).map_err(unreadable)?;
    let found: Vec<_> = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    if found.len() > SHEETS_MAX {
        return Err(TableError::TooLarge);
    }
    let is_offered: Vec<_> =
        found.iter().map(|sheet| sheet.visible == SheetVisible::Visible && !is_summary(&sheet.name)).collect();
    let sheets: Vec<_> = found.iter().map(|sheet| sheet.name.clone()).collect();
    if let Some(chosen) = sheet {
        let name = sheets.get(chosen).ok_or(TableError::UnknownSheet)?.clone();
        let rows = rows_of(&mut workbook, &name, &mut { CELLS_MAX })?;
        return Ok(FileTable { sheets, sheet: chosen, rows });
    }
    let mut cells = CELLS_MAX;
    // What is hidden or a summary is read if there is nothing else.
    for wanted in [true, false] {
        for (number, name) in sheets.iter().enumerate().filter(|(number, _)| is_offered[*number] == wanted) {
            let rows = rows_of(&mut workbook, name, &mut cells)?;
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

fn rows_of(
    workbook: &mut Xlsx<Cursor<Vec<u8>>>,
    name: &str,
    cells_left: &mut usize,
) -> Result<Vec<TableRow>, TableError> {
    let mut table = TableBuilder::default();
    let mut cells = match workbook.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        *cells_left = cells_left.checked_sub(1).ok_or(TableError::TooLarge)?;
        let (row, column) = cell.get_position();
        table.add(row, usize::try_from(column).unwrap_or(usize::MAX), &text_of(cell.get_value()))?;
    }
    Ok(table.rows())
}

/// A cell as it is shown, but for its colours: numbers without an exponent, days as `2026-11-27`.
fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => (if *value { "TRUE" } else { "FALSE" }).to_owned(),
        DataRef::DateTime(at) => time_text(at),
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).replace('T', " "),
        DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
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
