//! What members fill in about a customer (客户资料): each field with its earlier values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::field::FieldError;
use crate::kernel::id::MemberId;
use crate::kernel::mobile::Mobile;
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::{OptionalLine, Paragraph};
use crate::kernel::timestamp::Timestamp;

/// Most values of a field that are kept, the one in force included.
pub const VALUES_MAX: usize = 10;

string_enum! {
    /// A field of a customer's profile.
    ProfileField, "unknown_field", "没有这个资料项" {
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
    }
}

/// A value of a field, and who set it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProfileValue {
    /// When it was set.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who set it.
    #[serde(rename = "b")]
    pub by: MemberId,
    /// The text; empty for a field that was cleared.
    #[serde(rename = "v")]
    pub text: String,
}

/// The values of all fields, the last set at the end of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile(BTreeMap<ProfileField, Vec<ProfileValue>>);

impl ProfileField {
    /// The text as it is stored; empty clears the field.
    ///
    /// # Errors
    /// The wrong text.
    pub fn parse(self, text: &str) -> Result<String, FieldError> {
        Ok(match self {
            Self::Name | Self::Position => OptionalLine::<30>::parse(text)?.to_string(),
            Self::Company | Self::Email => OptionalLine::<100>::parse(text)?.to_string(),
            Self::Address => OptionalLine::<200>::parse(text)?.to_string(),
            Self::Remark => Paragraph::<1_000>::parse(text)?.to_string(),
            Self::Mobile if text.trim().is_empty() => String::new(),
            Self::Mobile => Mobile::parse(text)?.reveal().to_owned(),
        })
    }
}

impl Profile {
    /// Whether no field was ever set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a field; empty if it is not set.
    pub fn text(&self, field: ProfileField) -> &str {
        self.values(field).last().map_or("", |value| &value.text)
    }

    /// The values of a field that are kept, the last set at the end.
    pub fn values(&self, field: ProfileField) -> &[ProfileValue] {
        self.0.get(&field).map_or(&[], Vec::as_slice)
    }

    /// The change that sets a field to a text; `None` when it says so already. It is later than all
    /// values of before, whatever the clocks show.
    pub fn change(&self, field: ProfileField, text: &str, by: MemberId, now: Timestamp) -> Option<ProfileValue> {
        let last = self.values(field).last();
        let at = last.map_or(now, |last| now.max(last.at.plus_millis(1)));
        (self.text(field) != text).then(|| ProfileValue { at, by, text: text.to_owned() })
    }

    /// The text of a field as it was set at this moment, if it is still kept.
    pub fn text_set_at(&self, field: ProfileField, at: Timestamp) -> Option<&str> {
        self.values(field).iter().find(|value| value.at == at).map(|value| value.text.as_str())
    }

    /// Adds a value. The oldest of too many is forgotten.
    pub fn set(&mut self, field: ProfileField, value: ProfileValue) {
        let values = self.0.entry(field).or_default();
        values.push(value);
        values.sort();
        let over = values.len().saturating_sub(VALUES_MAX);
        values.drain(..over);
    }

    /// The profile of several identities that are one person: of each field the value set last.
    #[must_use]
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut union = Self::default();
        for (field, values) in parts.into_iter().flat_map(|part| &part.0) {
            values.iter().for_each(|value| union.set(*field, value.clone()));
        }
        union
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
