//! Tables of files, as spreadsheets write them (表格): cells by row, whatever the file was.

/// Most rows with anything in them that are read: what an import can take, and some rows above it.
pub const TABLE_ROWS_MAX: usize = 10_020;
/// Most columns.
pub const TABLE_COLUMNS_MAX: usize = 60;
/// Most characters of a cell that are read; no field is as long.
pub const CELL_CHARS_MAX: usize = 2_000;
/// Most bytes of all cells together.
pub const TABLE_TEXT_MAX: usize = 16 * 1024 * 1024;
/// Most sheets.
pub const SHEETS_MAX: usize = 50;

/// Why a file cannot be read as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableError {
    /// Damaged, or no table.
    Unreadable,
    /// The format before XLSX, or encrypted.
    OldFormat,
    /// More bytes than may be.
    TooLarge,
    /// More rows than may be.
    TooManyRows,
    /// More columns than may be.
    TooManyColumns,
    /// Nothing in it.
    Empty,
    /// Another sheet than those that it has.
    UnknownSheet,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileTable {
    /// The names of the sheets that the file has; one without a name of a text file.
    pub sheets: Vec<String>,
    /// The sheet that was read, counted from 0.
    pub sheet: usize,
    /// The rows that have anything.
    pub rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableRow {
    /// Its number in the file; the first one is 1.
    pub number: u32,
    /// Its cells, without spaces at their ends; the last one is not empty.
    pub cells: Vec<String>,
}

/// Collects the rows of a table within their bounds.
#[derive(Debug, Default)]
pub struct TableBuilder {
    rows: Vec<TableRow>,
    bytes: usize,
}

impl TableRow {
    /// The text of a column; the first one is 1.
    pub fn cell(&self, column: u32) -> &str {
        let place = usize::try_from(column).ok().and_then(|column| column.checked_sub(1));
        place.and_then(|place| self.cells.get(place)).map_or("", String::as_str)
    }
}

impl TableBuilder {
    /// Takes in a cell; row and column are counted from 0. Rows come in their order.
    ///
    /// # Errors
    /// The bound that it is beyond.
    pub fn add(&mut self, row: u32, column: usize, text: &str) -> Result<(), TableError> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
        if text.is_empty() {
            return Ok(());
        }
        let text: String = text.chars().filter(|c| *c != '\0').take(CELL_CHARS_MAX).collect();
        if column >= TABLE_COLUMNS_MAX {
            return Err(TableError::TooManyColumns);
        }
        self.bytes += text.len();
        if self.bytes > TABLE_TEXT_MAX {
            return Err(TableError::TooLarge);
        }
        let number = row.saturating_add(1);
        match self.rows.last().map(|last| last.number) {
            Some(last) if last > number => return Err(TableError::Unreadable),
            Some(last) if last == number => {}
            _ if self.rows.len() >= TABLE_ROWS_MAX => return Err(TableError::TooManyRows),
            _ => self.rows.push(TableRow { number, cells: Vec::new() }),
        }
        if let Some(TableRow { cells, .. }) = self.rows.last_mut() {
            if cells.len() <= column {
                cells.resize(column + 1, String::new());
            }
            cells[column] = text;
        }
        Ok(())
    }

    /// Whether nothing was taken in.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows.
    pub fn rows(self) -> Vec<TableRow> {
        self.rows
    }
}
