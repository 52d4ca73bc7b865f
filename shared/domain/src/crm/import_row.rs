//! A row of an import (导入的一行): what it must say, what is forgiven, and what is wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crm::profile::ProfileField;
use crate::kernel::field::FieldError;

/// A row: the texts as they stood in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImportRow(pub BTreeMap<ProfileField, String>);

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// The row; the first one is 1.
    pub row: u32,
    /// The column of the file, if it is one's; the first one is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The field, if it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<ProfileField>,
    /// A stable code.
    pub code: String,
    /// For people.
    pub detail: String,
}

impl RowError {
    /// A wrong field of a row.
    pub fn of(row: u32, field: Option<ProfileField>, error: &FieldError) -> Self {
        Self { row, column: None, field, code: error.code.to_owned(), detail: error.detail.clone() }
    }

    /// The same error, in a column of the file.
    #[must_use]
    pub fn in_column(self, column: u32) -> Self {
        Self { column: Some(column), ..self }
    }
}

impl ImportRow {
    /// The texts as they are stored; empty ones are left out.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn check(&self) -> Result<BTreeMap<ProfileField, String>, Vec<(ProfileField, FieldError)>> {
        let (mut texts, mut wrong) = (BTreeMap::new(), Vec::new());
        for (field, text) in &self.0 {
            let text = if *field == ProfileField::Mobile { &number_of(text) } else { text };
            match field.parse(text) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => drop(texts.insert(*field, text)),
                Err(error) => wrong.push((*field, error)),
            }
        }
        let is_wrong = wrong.iter().any(|(field, _)| *field == ProfileField::Name);
        if !is_wrong && !texts.contains_key(&ProfileField::Name) {
            wrong.push((ProfileField::Name, FieldError::new("required", "请填写客户姓名")));
        }
        if wrong.is_empty() { Ok(texts) } else { Err(wrong) }
    }
}

/// The phone number that a spreadsheet shows as a number: `13800138000.0`, `1.3800138E+10`, with a
/// leading apostrophe, in full-width digits or with brackets. Other texts stay as they are.
pub(super) fn number_of(text: &str) -> String {
    let half = |c: char| match c {
        '０'..='９' | '＋' | '－' | '．' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    let text: String = text.trim().trim_start_matches('\'').chars().map(half).collect();
    let text: String = text.chars().filter(|c| !matches!(c, '(' | ')' | '（' | '）')).collect();
    decimal_of(&text).unwrap_or(text)
}

/// The digits of a whole number with a decimal point or an exponent.
fn decimal_of(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.trim_start_matches('+').parse::<usize>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_number = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let zeros = exponent.checked_sub(fraction.len())?;
    (is_number && text.contains(['.', 'e', 'E']) && zeros <= 15)
        .then(|| format!("{whole}{fraction}{}", "0".repeat(zeros)))
}

#[cfg(test)]
#[path = "import_row_tests.rs"]
mod tests;
