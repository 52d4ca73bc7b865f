//! The business card.

use serde::{Deserialize, Serialize};

use crate::card::media::CardMedia;
use crate::card::tag::Tags;
use crate::company::CompanyName;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, DepartmentId, MemberId};
use crate::kernel::list::UniqueList;
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::{OpaqueText, OptionalLine, Paragraph};
use crate::kernel::timestamp::Timestamp;
use crate::people::member::{PersonName, Position};

/// Most phone numbers on a card.
pub const PHONES_MAX: usize = 3;
/// An introduction.
pub type Introduction = Paragraph<2_000>;
/// A postal address.
pub type Address = OptionalLine<200>;

/// The title of a shared card (转发设置).
pub type SharePhrase = OptionalLine<60>;
/// The greeting for a visitor (欢迎语).
pub type WelcomeText = Paragraph<200>;
/// The shortcut buttons of a card.
pub type Shortcuts = UniqueList<Shortcut, 3>;

string_enum! {
    /// How a card looks (名片样式). The names are stored: never change one.
    #[derive(Default)]
    Style, "unknown_style", "样式只能是 classic、business、minimal、dark 或 festive" {
        /// 经典
        #[default]
        Classic = "classic",
        /// 商务
        Business = "business",
        /// 简约
        Minimal = "minimal",
        /// 深色
        Dark = "dark",
        /// 喜庆
        Festive = "festive",
    }
}

string_enum! {
    /// A button that a visitor finds beside the chat. The names are stored: never change one.
    Shortcut, "unknown_shortcut", "快捷按钮只能是 add_wechat、call 或 save_card_code" {
        /// 加微信
        AddWechat = "add_wechat",
        /// 打电话
        Call = "call",
        /// 保存名片码
        SaveCardCode = "save_card_code",
    }
}

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

/// What owners may change themselves.
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
    /// 我的标签; cards of the first layout have none of what follows.
    #[serde(default)]
    pub tags: Tags,
    /// 名片样式
    #[serde(default)]
    pub style: Style,
    /// Title of a shared card, or empty.
    #[serde(default)]
    pub share_phrase: SharePhrase,
    /// 欢迎语, or empty.
    #[serde(default)]
    pub welcome_text: WelcomeText,
    /// The buttons the owner chose; `None` until they choose, which shows all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcuts: Option<Shortcuts>,
}

/// The member that the card of an inactive owner leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Successor {
    /// Their card.
    pub card: CardId,
    /// Their name at the moment they were named.
    pub name: PersonName,
}

/// The mark that the owner was disabled or has left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerInactive {
    /// The successor, once one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Successor>,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its id.
    pub id: CardId,
    /// The member who owns it.
    pub member: MemberId,
    /// Locked for the owner.
    pub identity: Identity,
    /// Open to the owner.
    pub contact: Contact,
    /// Pictures and video, open to the owner. Cards made before there were any have none.
    #[serde(default)]
    pub media: CardMedia,
    /// Set while the owner is disabled or has left; changes with their status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_gone: Option<OwnerInactive>,
    /// The department of its member, for counting by department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// Goes up by one with each change; an edit names the one it was made from.
    pub version: u64,
    /// When it was last changed.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
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
            /// A [`FieldError`] that names what is expected.
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
        let valid = text.is_empty() || ((5..=20).contains(&text.len()) && OpaqueText::<20>::parse(text).is_ok());
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

impl Card {
    /// The first card of a member, as it is made at `now`.
    pub fn new(id: CardId, member: MemberId, identity: Identity, now: Timestamp) -> Self {
        Self {
            id,
            member,
            identity,
            contact: Contact::default(),
            media: CardMedia::default(),
            owner_gone: None,
            department: None,
            version: 1,
            updated_at: now,
        }
    }
}

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

    /// The buttons a visitor finds: those chosen, but 加微信 only with a WeChat id.
    pub fn shown_shortcuts(&self) -> Vec<Shortcut> {
        let chosen = self.shortcuts.as_ref().map_or(Shortcut::ALL, Shortcuts::as_slice);
        let usable = |shortcut: &Shortcut| *shortcut != Shortcut::AddWechat || !self.wechat_id.as_str().is_empty();
        chosen.iter().copied().filter(usable).collect()
    }

    /// The same with these buttons.
    ///
    /// # Errors
    /// The position of 加微信 when there is no WeChat id to add.
    pub fn with_shortcuts(self, chosen: Shortcuts) -> Result<Self, usize> {
        match chosen.as_slice().iter().position(|shortcut| *shortcut == Shortcut::AddWechat) {
            Some(position) if self.wechat_id.as_str().is_empty() => Err(position),
            _ => Ok(Self { shortcuts: Some(chosen), ..self }),
        }
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
    fn the_fourth_phone_is_rejected() {
        let contact = |n| Contact { phones: vec![Phone::parse("110").unwrap(); n], ..Contact::default() };
        assert!(contact(3).checked().is_ok());
        assert_eq!(contact(4).checked().unwrap_err().pointer, "/phones");
    }

    #[test]
    fn the_wechat_button_needs_a_wechat_id_when_chosen_and_when_shown() {
        let chosen = || Shortcuts::parse(vec![Shortcut::Call, Shortcut::AddWechat]).unwrap();
        let without = Contact::default();
        assert_eq!(without.shown_shortcuts(), [Shortcut::Call, Shortcut::SaveCardCode]);
        assert_eq!(without.clone().with_shortcuts(chosen()), Err(1));
        let id = WechatId::parse("li_wei-1").unwrap();
        let with = Contact { wechat_id: id, ..without };
        assert_eq!(with.shown_shortcuts(), Shortcut::ALL);
        let with = with.with_shortcuts(chosen()).unwrap();
        assert_eq!(with.shown_shortcuts(), [Shortcut::Call, Shortcut::AddWechat]);
        let cleared = Contact { wechat_id: WechatId::default(), ..with };
        assert_eq!(cleared.shown_shortcuts(), [Shortcut::Call]);
    }

    #[test]
    fn a_style_is_one_of_five() {
        for style in Style::ALL {
            assert_eq!(Style::from_name(style.name()), Some(*style));
        }
        assert_eq!(serde_json::from_str::<Style>("\"festive\"").unwrap(), Style::Festive);
        let error = serde_json::from_str::<Style>("\"Classic\"").unwrap_err().to_string();
        assert!(error.starts_with("unknown_style|"), "{error}");
    }
}
