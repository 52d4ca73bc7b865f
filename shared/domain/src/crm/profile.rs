//! What members fill in about a customer (客户资料).

use crate::crm::field_history::FieldHistory;
use crate::kernel::field::FieldError;
use crate::kernel::mobile::Mobile;
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::{OptionalLine, Paragraph};

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

/// Most values of a field that are kept, the one in force included.
pub const PROFILE_VALUES_MAX: usize = 10;

/// The profile of a customer.
pub type Profile = FieldHistory<ProfileField, PROFILE_VALUES_MAX>;

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

impl ProfileField {
    /// Whether the customer can be reached by it.
    pub fn is_contact(self) -> bool {
        matches!(self, Self::Mobile | Self::Email | Self::Address)
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
