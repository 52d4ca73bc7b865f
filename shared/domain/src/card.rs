//! The business card.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::id::{CardId, MemberId};
use crate::member::{PersonName, Position};
use crate::text::{Code, Line, OptionalLine, Paragraph};
use crate::timestamp::Timestamp;

/// Most phone numbers on a card.
pub const PHONES_MAX: usize = 3;
/// The company's name as a card shows it.
pub type CompanyName = Line<60>;
/// An introduction.
pub type Introduction = Paragraph<2_000>;
/// A postal address.
pub type Address = OptionalLine<200>;

/// What only an admin or the boss may change: 公司, 职位, 姓名.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// 姓名
    pub name: PersonName,
    /// 职位
    pub position: Position,
    /// 公司
    pub company: CompanyName,
}

/// What the owner may change himself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// At most [`PHONES_MAX`].
    pub phones: Vec<Phone>,
    /// 微信号, or empty.
    pub wechat_id: WechatId,
    /// Or empty.
    pub email: Email,
    /// Or empty.
    pub address: Address,
    /// 个人介绍, or empty.
    pub introduction: Introduction,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Which.
    pub id: CardId,
    /// Whose.
    pub member: MemberId,
    /// Locked for the owner.
    pub identity: Identity,
    /// Open to the owner.
    pub contact: Contact,
    /// Goes up by one with each change; an edit names the one it was made from.
    pub version: u64,
    /// When it was last changed.
    #[serde(with = "crate::timestamp::as_millis")]
    pub updated_at: Timestamp,
}

macro_rules! parsed {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads the text.
            ///
            /// # Errors
            /// A [`FieldError`] that says what is expected.
            pub fn parse(text: &str) -> Result<Self, FieldError> {
                let parse: fn(&str) -> Result<String, FieldError> = $parse;
                parse(text.trim()).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

parsed!(
    /// A phone number: 3 to 20 of digits, spaces, hyphens and parentheses, `+` in front allowed.
    Phone,
    |text| {
        let body = text.strip_prefix('+').unwrap_or(text);
        let allowed = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')');
        let digits = body.chars().filter(char::is_ascii_digit).count();
        let valid = (3..=20).contains(&body.len()) && digits >= 3 && body.chars().all(allowed);
        if valid { Ok(text.to_owned()) } else { Err(FieldError::new("invalid_phone", "电话号码格式不正确")) }
    }
);
parsed!(
    /// A WeChat id (6 to 20 characters, a letter first, or a phone number), or empty.
    WechatId,
    |text| {
        let valid = text.is_empty() || ((5..=20).contains(&text.len()) && Code::<20>::parse(text).is_ok());
        if valid { Ok(text.to_owned()) } else { Err(FieldError::new("invalid_wechat_id", "微信号应为 5 到 20 位字母、数字、下划线或短横线")) }
    }
);
parsed!(
    /// An e-mail address, or empty. Only its shape is checked: delivery is the proof.
    Email,
    |text| {
        let line = OptionalLine::<100>::parse(text)?;
        let shaped = line.as_str().split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
        });
        let valid = text.is_empty() || (shaped && !text.contains(char::is_whitespace));
        if valid { Ok(text.to_owned()) } else { Err(FieldError::new("invalid_email", "邮箱格式不正确")) }
    }
);

impl Contact {
    /// Checks what no single field shows.
    ///
    /// # Errors
    /// `too_many` when there are more than [`PHONES_MAX`] phones.
    pub fn checked(self) -> Result<Self, FieldError> {
        if self.phones.len() > PHONES_MAX {
            return Err(FieldError::new("too_many", format!("电话最多 {PHONES_MAX} 个")).at("/phones"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_of_every_usual_shape_pass() {
        for good in ["13800138000", "+86 138-0013-8000", "(021) 5888-0000", "110"] {
            assert!(Phone::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "abc", "1", "138001380001380013800", "+", "-- -", "１３８"] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn wechat_ids_and_emails_may_be_empty() {
        assert!(WechatId::parse("").is_ok() && Email::parse("").is_ok());
        assert!(WechatId::parse("li_wei-1").is_ok());
        assert!(WechatId::parse("李伟").is_err());
        assert!(Email::parse("li.wei@example.com").is_ok());
        for bad in ["a", "a@b", "@b.c", "a b@c.d", "a@b.c\u{0}", "a@@b.c", "a@.c"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_fourth_phone_is_refused() {
        let contact = |n| Contact { phones: vec![Phone::parse("110").unwrap(); n], ..Contact::default() };
        assert!(contact(3).checked().is_ok());
        assert_eq!(contact(4).checked().unwrap_err().pointer, "/phones");
    }
}
