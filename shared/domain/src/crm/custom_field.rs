//! Fields that a company adds to its customers (自定义字段): the book of them, and their values.
//!
//! A value is a text in the form of its kind, so that all fields have one history. Renaming a field or an
//! option touches no customer.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::company::audit::AuditAction;
use crate::company::book::{BookRefusal, CompanyBook};
use crate::crm::field_history::FieldHistory;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::CustomFieldId;
use crate::kernel::mobile::Mobile;
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::{Line, OptionalLine};

/// Most fields of a company.
pub const CUSTOM_FIELDS_MAX: usize = 20;
/// Most values of a field that are kept of a customer, the one in force included.
pub const CUSTOM_VALUES_MAX: usize = 5;
/// Most options of a field.
pub const OPTIONS_MAX: usize = 50;
/// Most characters of a text.
const TEXT_MAX: usize = 100;
/// Most digits of a number, before and after the point together.
const DIGITS_MAX: usize = 15;
/// The sign between the options of a value.
const SEPARATOR: char = ';';

const LIMIT: BookRefusal = BookRefusal::Limit("自定义字段数量已达上限：最多 20 个");
const NAME_TAKEN: BookRefusal = BookRefusal::NameTaken("已有同名字段");

string_enum! {
    /// What a field holds.
    CustomFieldKind, "unknown_kind", "字段类型只有 text、number、date、one_of、some_of 和 phone" {
        /// 文本
        Text = "text",
        /// 数字
        Number = "number",
        /// 日期
        Date = "date",
        /// 单选
        OneOf = "one_of",
        /// 多选
        SomeOf = "some_of",
        /// 电话
        Phone = "phone",
    }
}

/// The name of a field or an option.
pub type CustomFieldName = Line<20>;

/// The number of an option; it never changes, and is not given twice in a field.
pub type OptionNumber = u16;

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its name, once in a company.
    pub name: CustomFieldName,
    /// What it holds; it never changes.
    pub kind: CustomFieldKind,
    /// What can be chosen; empty for kinds without a choice.
    pub options: BTreeMap<OptionNumber, CustomFieldName>,
    /// The number of the next option.
    next_option: OptionNumber,
}

/// An option as a member names it: one that stands, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionDraft {
    /// Its number; none of a new option.
    pub number: Option<OptionNumber>,
    /// Its name.
    pub name: CustomFieldName,
}

/// The fields of a company.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomFieldBook {
    fields: BTreeMap<CustomFieldId, CustomField>,
    version: u64,
}

/// The values of a customer's fields.
pub type CustomValues = FieldHistory<CustomFieldId, CUSTOM_VALUES_MAX>;

impl CustomField {
    /// A new field.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn new(name: CustomFieldName, kind: CustomFieldKind, options: &[OptionDraft]) -> Result<Self, FieldError> {
        Self { name: name.clone(), kind, options: BTreeMap::new(), next_option: 1 }.with(name, options)
    }

    /// The field under a name, with these options and no other. An option that is left out can be chosen no
    /// more; customers who have it lose it.
    ///
    /// # Errors
    /// The options that the kind cannot have, with `/options` as their place.
    pub fn with(&self, name: CustomFieldName, options: &[OptionDraft]) -> Result<Self, FieldError> {
        let refused = |code, detail: &str| Err(FieldError::new(code, detail).at("/options"));
        match (self.kind.has_options(), options.len()) {
            (false, 1..) => return refused("not_allowed", "只有单选和多选字段可以有选项"),
            (true, 0) => return refused("required", "单选和多选字段至少要有一个选项"),
            (true, count) if count > OPTIONS_MAX => return refused("too_many", "最多 50 个选项"),
            _ => {}
        }
        let names: BTreeSet<_> = options.iter().map(|option| option.name.as_str()).collect();
        if names.len() < options.len() {
            return refused("duplicate", "选项不能重名");
        }
        let mut next = Self { name, options: BTreeMap::new(), ..self.clone() };
        for OptionDraft { number, name } in options {
            if number.is_some_and(|number| !self.options.contains_key(&number)) {
                return refused("unknown_option", "选项不存在");
            }
            // One without a number that stands under the name is that one: a request that comes again adds none.
            let stands = || self.options.iter().find(|(_, known)| *known == name).map(|(number, _)| *number);
            let is_named = |number: &OptionNumber| options.iter().any(|option| option.number == Some(*number));
            let number = number.or_else(|| stands().filter(|number| !is_named(number)));
            let number = number.unwrap_or(next.next_option);
            next.next_option = next.next_option.max(number.saturating_add(1));
            if number == OptionNumber::MAX || next.options.insert(number, name.clone()).is_some() {
                return refused("duplicate", "选项不能重复");
            }
        }
        Ok(next)
    }

    /// A value as it is stored; empty clears the field.
    ///
    /// # Errors
    /// The wrong value.
    pub fn parse(&self, text: &str) -> Result<String, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(String::new());
        }
        Ok(match self.kind {
            CustomFieldKind::Text => OptionalLine::<TEXT_MAX>::parse(text)?.to_string(),
            CustomFieldKind::Number => number(text)?,
            CustomFieldKind::Date => text.parse::<Day>()?.to_string(),
            CustomFieldKind::Phone => Mobile::parse(text)?.reveal().to_owned(),
            CustomFieldKind::OneOf => join(&self.chosen(text, 1)?),
            CustomFieldKind::SomeOf => join(&self.chosen(text, OPTIONS_MAX)?),
        })
    }

    /// What a stored value is by now: options that do not stand any more are left out.
    pub fn shown(&self, text: &str) -> String {
        if !self.kind.has_options() {
            return text.to_owned();
        }
        let numbers = text.split(SEPARATOR).filter_map(|number| number.parse().ok());
        join(&numbers.filter(|number| self.options.contains_key(number)).collect())
    }

    fn chosen(&self, text: &str, most: usize) -> Result<BTreeSet<OptionNumber>, FieldError> {
        let number = |text: &str| text.trim().parse().ok().filter(|number| self.options.contains_key(number));
        let chosen = text.split(SEPARATOR).map(number).collect::<Option<BTreeSet<_>>>();
        let chosen = chosen.ok_or_else(|| FieldError::new("unknown_option", "选项不存在"))?;
        if chosen.len() <= most { Ok(chosen) } else { Err(FieldError::new("too_many", "只能选择一个选项")) }
    }
}

impl CustomFieldKind {
    /// Whether values are chosen from options.
    pub fn has_options(self) -> bool {
        matches!(self, Self::OneOf | Self::SomeOf)
    }
}

/// A decimal number in its shortest form.
fn number(text: &str) -> Result<String, FieldError> {
    let refused = || FieldError::new("invalid_number", "请输入数字，最多 15 位，例如 12.5");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return Err(refused());
    }
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let (whole, point) = (if whole.is_empty() { "0" } else { whole }, if part.is_empty() { "" } else { "." });
    if whole.len() + part.len() > DIGITS_MAX {
        return Err(refused());
    }
    let sign = if whole == "0" && part.is_empty() { "" } else { sign };
    Ok(format!("{sign}{whole}{point}{part}"))
}

fn join(numbers: &BTreeSet<OptionNumber>) -> String {
    numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(&SEPARATOR.to_string())
}

impl CompanyBook for CustomFieldBook {
    type Id = CustomFieldId;
    type Entry = CustomField;

    const AUDIT: AuditAction = AuditAction::CustomFields;

    fn version(&self) -> u64 {
        self.version
    }

    fn entry(&self, id: CustomFieldId) -> Option<&CustomField> {
        self.fields.get(&id)
    }

    fn add(&self, id: CustomFieldId, field: CustomField) -> Result<Self, BookRefusal> {
        if self.fields.len() >= CUSTOM_FIELDS_MAX {
            return Err(LIMIT);
        }
        self.with(id, Some(field))
    }
}

impl CustomFieldBook {
    /// Every field, the first made first.
    pub fn iter(&self) -> impl Iterator<Item = (CustomFieldId, &CustomField)> {
        self.fields.iter().map(|(id, field)| (*id, field))
    }

    /// The book with a field under another name, with other options, or both.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`], [`BookRefusal::NameTaken`] or [`BookRefusal::Field`].
    pub fn change(
        &self,
        id: CustomFieldId,
        name: &CustomFieldName,
        options: &[OptionDraft],
    ) -> Result<Self, BookRefusal> {
        let before = self.fields.get(&id).ok_or(BookRefusal::Unknown)?;
        let after = before.with(name.clone(), options).map_err(BookRefusal::Field)?;
        if after == *before { Ok(self.clone()) } else { self.with(id, Some(after)) }
    }

    /// The book without a field; no customer has it then.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`].
    pub fn remove(&self, id: CustomFieldId) -> Result<Self, BookRefusal> {
        self.entry(id).ok_or(BookRefusal::Unknown)?;
        self.with(id, None)
    }

    fn with(&self, id: CustomFieldId, field: Option<CustomField>) -> Result<Self, BookRefusal> {
        let mut next = self.clone();
        next.version += 1;
        next.fields.remove(&id);
        if let Some(field) = field {
            if next.fields.values().any(|known| known.name == field.name) {
                return Err(NAME_TAKEN);
            }
            next.fields.insert(id, field);
        }
        Ok(next)
    }
}

#[cfg(test)]
#[path = "custom_field_tests.rs"]
mod tests;
