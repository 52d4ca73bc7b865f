//! Importing customers from a file: which column means what, and what a row says then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crm::custom_field::{CustomField, CustomFieldBook, CustomFieldKind};
use crate::crm::export::begins_formula;
use crate::crm::import_row::{ImportRow, RowError, number_of};
use crate::crm::profile::ProfileField;
use crate::crm::table::{FileTable, TABLE_COLUMNS_MAX, TableRow};
use crate::crm::tag::{TagBook, TagIds};
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CustomFieldId, JobId, TagId, UploadId};
use crate::kernel::string_enum::string_enum;

/// Most rows of an import from a file.
pub const FILE_ROWS_MAX: usize = 10_000;
/// Most errors of a row that are kept, so that those of a step fit into one transaction.
pub const ROW_ERRORS_MAX: usize = 8;

string_enum! {
    /// What a column of a file is imported as. The names are stored: never change one.
    ColumnField, "unknown_field", "没有这个资料项" {
        /// 姓名
        Name = "name",
        /// 公司
        Company = "company",
        /// 职位
        Position = "position",
        /// 手机
        Mobile = "mobile",
        /// 邮箱
        Email = "email",
        /// 地址
        Address = "address",
        /// 备注
        Remark = "remark",
        /// 标签
        Tags = "tags",
        /// 自定义字段
        Custom = "custom",
    }
}

/// A column of a file, and what it is imported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedColumn {
    /// The column; the first one is 1.
    pub column: u32,
    /// What it is.
    pub field: ColumnField,
    /// The custom field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_field: Option<CustomFieldId>,
}

/// The file of an import, as it was looked at before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFile {
    /// The job that looked at it.
    pub preview: JobId,
    /// The file.
    pub upload: UploadId,
    /// The sheet, counted from 0.
    pub sheet: u32,
    /// The columns that are imported.
    pub columns: Vec<MappedColumn>,
    /// Which rows have customers.
    pub rows: RowNumbers,
}

/// The numbers of rows, in their order: first ones, each with how many follow each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowNumbers(Vec<(u32, u32)>);

/// What a row of a file says of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileRow {
    /// The texts of the profile.
    pub texts: BTreeMap<ProfileField, String>,
    /// The values of custom fields.
    pub custom: BTreeMap<CustomFieldId, String>,
    /// The tags.
    pub tags: Vec<TagId>,
}

impl ImportRow {
    /// What a row without a file says.
    ///
    /// # Errors
    /// What is wrong with it, field by field.
    pub fn read(&self, number: u32) -> Result<FileRow, Vec<RowError>> {
        let wrong = |(field, error): (ProfileField, FieldError)| RowError::of(number, Some(field), &error);
        let texts = self.check().map_err(|errors| errors.into_iter().map(wrong).collect::<Vec<_>>())?;
        Ok(FileRow { texts, ..FileRow::default() })
    }
}

impl ColumnField {
    /// The field of the profile, if it is one.
    pub fn profile(self) -> Option<ProfileField> {
        ProfileField::from_name(self.name())
    }
}

impl RowNumbers {
    /// These numbers, which grow.
    pub fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((first, count)) if *first + *count == number => *count += 1,
                _ => ranges.push((number, 1)),
            }
        }
        Self(ranges)
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(first, count)| *first..first.saturating_add(*count))
    }
}

/// The columns to import, if they can be.
///
/// # Errors
/// Columns that the file cannot have or that are named twice, fields that are, and no name.
pub fn check_columns(columns: &[MappedColumn], book: &CustomFieldBook) -> Result<(), FieldError> {
    let (mut seen, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for MappedColumn { column, field, custom_field } in columns {
        let is_column = usize::try_from(*column).is_ok_and(|column| (1..=TABLE_COLUMNS_MAX).contains(&column));
        if !is_column || !seen.insert(column) {
            return Err(FieldError::new("invalid_column", "列号不存在或重复"));
        }
        if !fields.insert((field, custom_field)) {
            return Err(FieldError::new("duplicate", "不能把两列导入同一个字段"));
        }
        let is_known = custom_field.is_some_and(|id| book.iter().any(|(known, _)| known == id));
        if is_known != (*field == ColumnField::Custom) || custom_field.is_some() != is_known {
            return Err(FieldError::new("unknown_field", "自定义字段不存在"));
        }
    }
    if fields.contains(&(&ColumnField::Name, &None)) {
        return Ok(());
    }
    Err(FieldError::new("required", "请选择姓名所在的列"))
}

impl ImportFile {
    /// The column that is imported as a field of the profile.
    pub fn column_of(&self, field: ProfileField) -> Option<u32> {
        self.columns.iter().find(|of| of.field.profile() == Some(field)).map(|of| of.column)
    }

    /// The rows that have customers, from a place on.
    pub fn rows_from<'a>(&'a self, table: &'a FileTable, place: usize) -> impl Iterator<Item = &'a TableRow> {
        self.rows.iter().skip(place).filter_map(|number| {
            let found = table.rows.binary_search_by_key(&number, |row| row.number).ok()?;
            table.rows.get(found)
        })
    }

    /// What a row says.
    ///
    /// # Errors
    /// What is wrong with it, column by column.
    pub fn read(&self, row: &TableRow, fields: &CustomFieldBook, tags: &TagBook) -> Result<FileRow, Vec<RowError>> {
        let (mut read, mut texts, mut wrong) = (FileRow::default(), ImportRow::default(), Vec::new());
        for MappedColumn { column, field, custom_field } in &self.columns {
            let text = unguarded(row.cell(*column));
            if let Some(field) = field.profile() {
                texts.0.insert(field, text.to_owned());
                continue;
            }
            let taken = match custom_field.and_then(|id| fields.iter().find(|(known, _)| *known == id)) {
                Some((id, definition)) => definition.parse_cell(text).map(|text| drop(read.custom.insert(id, text))),
                // A field that was deleted meanwhile is nobody's.
                None if *field == ColumnField::Custom => Ok(()),
                None => tags_of(text, tags).map(|tags| read.tags = tags),
            };
            wrong.extend(taken.err().map(|error| RowError::of(row.number, None, &error).in_column(*column)));
        }
        match texts.check() {
            Ok(texts) => read.texts = texts,
            Err(errors) => wrong.extend(errors.into_iter().map(|(field, error)| {
                let error = RowError::of(row.number, Some(field), &error);
                self.column_of(field).map_or(error.clone(), |column| error.in_column(column))
            })),
        }
        read.custom.retain(|_, text| !text.is_empty());
        wrong.sort_by_key(|error| error.column);
        wrong.truncate(ROW_ERRORS_MAX);
        if wrong.is_empty() { Ok(read) } else { Err(wrong) }
    }
}

/// A text without the apostrophe that keeps spreadsheets from taking it for a formula.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| begins_formula(rest)).unwrap_or(text)
}

/// Tags by their names.
fn tags_of(text: &str, book: &TagBook) -> Result<Vec<TagId>, FieldError> {
    let unknown = || FieldError::new("unknown_tag", "标签不存在，请先新建标签");
    let names = text.split(SEPARATORS).map(str::trim).filter(|name| !name.is_empty());
    let tags =
        names.map(|name| book.iter().find(|(_, tag)| tag.name.as_str() == name).map(|(id, _)| id).ok_or_else(unknown));
    let tags: BTreeSet<_> = tags.collect::<Result<_, _>>()?;
    Ok(TagIds::parse(tags.into_iter().collect())?.as_slice().to_vec())
}

/// What stands between names in one cell.
const SEPARATORS: [char; 7] = [',', ';', '，', '；', '、', '|', '\n'];

impl CustomField {
    /// A value as it stands in the cell of a table: options by their names, days as spreadsheets write them.
    ///
    /// # Errors
    /// The wrong value.
    pub fn parse_cell(&self, text: &str) -> Result<String, FieldError> {
        let text = text.trim();
        match self.kind {
            CustomFieldKind::Date => self.parse(&day_of(text).map_or_else(|| text.to_owned(), |day| day.to_string())),
            CustomFieldKind::Number => self.parse(&text.replace([',', '，'], "")),
            CustomFieldKind::Phone => self.parse(&number_of(text)),
            CustomFieldKind::Text => self.parse(text),
            CustomFieldKind::OneOf => self.parse(&self.numbers_of([text].into_iter())?),
            CustomFieldKind::SomeOf => self.parse(&self.numbers_of(text.split(SEPARATORS))?),
        }
    }

    fn numbers_of<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<String, FieldError> {
        let names = names.map(str::trim).filter(|name| !name.is_empty());
        let number = |wanted: &str| {
            let found = self.options.iter().find(|(_, name)| name.as_str() == wanted);
            found.map(|(number, _)| number.to_string()).ok_or_else(|| FieldError::new("unknown_option", "选项不存在"))
        };
        Ok(names.map(number).collect::<Result<Vec<_>, _>>()?.join(";"))
    }
}

/// A day as spreadsheets and people write it: `2026-03-01`, `2026/3/1`, `2026.3.1`, `2026年3月1日`, also with a
/// time behind.
fn day_of(text: &str) -> Option<Day> {
    let text = text.split(' ').next().unwrap_or_default().trim_end_matches('日');
    let parts: Vec<_> = text.split(['-', '/', '.', '年', '月']).collect();
    let [year, month, day] = parts[..] else { return None };
    let [month, day] = [month, day].map(|part| part.parse::<u8>().ok());
    format!("{year}-{:02}-{:02}", month?, day?).parse().ok()
}

#[cfg(test)]
#[path = "import_file_tests.rs"]
mod tests;
