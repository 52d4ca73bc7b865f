//! Looking at a file before its customers are imported (导入预览): its columns, its first rows, and what each
//! column seems to be.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::crm::custom_field::CustomFieldBook;
use crate::crm::import_file::{ColumnField, FILE_ROWS_MAX, MappedColumn, RowNumbers};
use crate::crm::table::{FileTable, TableError, TableRow};
use crate::kernel::id::UploadId;

/// Rows that are shown.
const ROWS_SHOWN: usize = 20;
/// Characters of a cell that are shown.
const CHARS_SHOWN: usize = 40;
/// Among so many rows the head of the table is looked for.
const HEAD_WITHIN: usize = 10;

/// What a file has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePreview {
    /// The file.
    pub upload: UploadId,
    /// The names of its sheets; one without a name for a text file.
    pub sheets: Vec<String>,
    /// The sheet that was read, counted from 0.
    pub sheet: u32,
    /// The number of the row that names the columns; 0 without one.
    pub header_row: u32,
    /// Its columns.
    pub columns: Vec<PreviewColumn>,
    /// The first rows below.
    pub first_rows: Vec<PreviewRow>,
    /// Which rows have customers.
    pub rows: RowNumbers,
    /// The digest of these rows.
    pub digest: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewColumn {
    /// Its name in the head of the table; empty without one.
    pub name: String,
    /// What it seems to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guess: Option<MappedColumn>,
}

/// A row as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// Its number.
    pub row: u32,
    /// Its cells, cut.
    pub cells: Vec<String>,
}

/// A file to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableToPreview {
    /// The file.
    pub upload: UploadId,
    /// The sheet, counted from 0; none for the first one that has data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<u32>,
    /// The row that names the columns, 0 without one; none to look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
}

impl TableToPreview {
    /// What a table has; `digest` makes a digest of its rows.
    ///
    /// # Errors
    /// [`TableError::TooManyRows`], [`TableError::Empty`] without rows below the head.
    pub fn preview(
        &self,
        table: &FileTable,
        book: &CustomFieldBook,
        digest: impl Fn(&[TableRow]) -> String,
    ) -> Result<TablePreview, TableError> {
        let header_row = self.header_row.unwrap_or_else(|| header_of(table, book));
        let rows = &table.rows[table.rows.partition_point(|row| row.number <= header_row)..];
        if rows.is_empty() {
            return Err(TableError::Empty);
        }
        if rows.len() > FILE_ROWS_MAX {
            return Err(TableError::TooManyRows);
        }
        let header = table.rows.iter().find(|row| row.number == header_row);
        let shown =
            |row: &TableRow| PreviewRow { row: row.number, cells: row.cells.iter().map(|cell| cut(cell)).collect() };
        Ok(TablePreview {
            upload: self.upload,
            sheets: table.sheets.iter().map(|name| cut(name)).collect(),
            sheet: u32::try_from(table.sheet).unwrap_or(u32::MAX),
            header_row,
            columns: columns_of(header, rows, book),
            first_rows: rows.iter().take(ROWS_SHOWN).map(shown).collect(),
            rows: RowNumbers::of(rows.iter().map(|row| row.number)),
            digest: digest(rows),
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CHARS_SHOWN).collect()
}

/// The row with the most names of fields, if there is one; else the first row, if it looks like no customer.
fn header_of(table: &FileTable, book: &CustomFieldBook) -> u32 {
    let known = |row: &TableRow| row.cells.iter().filter(|cell| guess(cell, book).is_some()).count();
    let candidates = table.rows.iter().take(HEAD_WITHIN).map(|row| (known(row), row.number));
    let best = candidates.fold((0, 0), |best, next| if next.0 > best.0 { next } else { best });
    let has_digits =
        |row: &TableRow| row.cells.iter().any(|cell| cell.chars().filter(char::is_ascii_digit).count() > 5);
    match (best, table.rows.first()) {
        ((1.., number), _) => number,
        (_, Some(first)) if !has_digits(first) && table.rows.len() > 1 => first.number,
        _ => 0,
    }
}

fn columns_of(header: Option<&TableRow>, rows: &[TableRow], book: &CustomFieldBook) -> Vec<PreviewColumn> {
    let width = header.into_iter().chain(rows).map(|row| row.cells.len()).max().unwrap_or_default();
    let mut taken = BTreeSet::new();
    let columns = (1..).take(width).map(|column| {
        let name = header.map_or("", |row| row.cell(column));
        let guess = guess(name, book).filter(|guess| taken.insert((guess.0, guess.1)));
        let guess = guess.map(|(field, custom_field)| MappedColumn { column, field, custom_field });
        PreviewColumn { name: cut(name), guess }
    });
    columns.collect()
}

/// What a column of this name seems to be.
fn guess(name: &str, book: &CustomFieldBook) -> Option<(ColumnField, Option<crate::kernel::id::CustomFieldId>)> {
    let name = normal(name);
    if name.is_empty() {
        return None;
    }
    let custom = book.iter().find(|(_, field)| normal(field.name.as_str()) == name);
    if let Some((id, _)) = custom {
        return Some((ColumnField::Custom, Some(id)));
    }
    let field = NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| *field);
    field.map(|field| (field, None))
}

/// A name without what people write around it: `* 手机号（必填）:` is `手机号`.
fn normal(name: &str) -> String {
    let name = name.split(['(', '（', '[', '【']).next().unwrap_or_default();
    let is_kept = |c: &char| !c.is_whitespace() && !matches!(c, '*' | '＊' | ':' | '：' | '_' | '-' | '.' | '/');
    name.chars().filter(is_kept).flat_map(char::to_lowercase).collect()
}

/// How columns are named, as [`normal`] writes it.
const NAMES: &[(ColumnField, &[&str])] = &[
    (
        ColumnField::Name,
        &[
            "姓名",
            "名字",
            "客户姓名",
            "客户名称",
            "客户",
            "联系人",
            "联系人姓名",
            "称呼",
            "name",
            "fullname",
            "contact",
            "contactname",
            "customer",
            "customername",
        ],
    ),
    (
        ColumnField::Mobile,
        &[
            "手机",
            "手机号",
            "手机号码",
            "电话",
            "联系电话",
            "联系方式",
            "电话号码",
            "移动电话",
            "客户手机",
            "mobile",
            "mobilephone",
            "phone",
            "phonenumber",
            "tel",
            "telephone",
            "cellphone",
            "cell",
        ],
    ),
    (
        ColumnField::Company,
        &[
            "公司",
            "公司名称",
            "单位",
            "单位名称",
            "企业",
            "企业名称",
            "所在公司",
            "company",
            "companyname",
            "organization",
            "organisation",
        ],
    ),
    (ColumnField::Position, &["职位", "职务", "岗位", "头衔", "position", "title", "jobtitle", "role"]),
    (ColumnField::Email, &["邮箱", "电子邮箱", "电子邮件", "邮件", "邮箱地址", "email", "emailaddress", "mail"]),
    (ColumnField::Address, &["地址", "联系地址", "公司地址", "详细地址", "通讯地址", "address"]),
    (
        ColumnField::Remark,
        &["备注", "说明", "备注信息", "客户备注", "remark", "remarks", "note", "notes", "comment", "comments", "memo"],
    ),
    (ColumnField::Tags, &["标签", "客户标签", "tag", "tags", "label", "labels"]),
];

#[cfg(test)]
#[path = "table_preview_tests.rs"]
mod tests;
