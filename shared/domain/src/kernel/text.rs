//! Text that people typed: bounded, without control characters.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::kernel::field::FieldError;

/// One line of 1 to `MAX` characters, trimmed, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(String);

/// Like [`Line`], but may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct OptionalLine<const MAX: usize>(String);

/// Text of 0 to `MAX` characters that may hold line breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Paragraph<const MAX: usize>(String);

fn bounded(text: &str, max: usize, line_breaks: bool) -> Result<String, FieldError> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && !(line_breaks && c == '\n')) {
        return Err(FieldError::new("control_character", "不能包含控制字符"));
    }
    if text.chars().count() > max {
        return Err(FieldError::new("too_long", format!("不能超过 {max} 个字")));
    }
    Ok(text.to_owned())
}

macro_rules! text {
    ($name:ident, $parse:expr) => {
        impl<const MAX: usize> $name<MAX> {
            /// Reads the text.
            ///
            /// # Errors
            /// `required`, `too_long` or `control_character`.
            pub fn parse(text: &str) -> Result<Self, FieldError> {
                let parse: fn(&str, usize) -> Result<String, FieldError> = $parse;
                parse(text, MAX).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de, const MAX: usize> Deserialize<'de> for $name<MAX> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

text!(Line, |text, max| {
    let line = bounded(text, max, false)?;
    if line.is_empty() { Err(FieldError::new("required", "不能为空")) } else { Ok(line) }
});
text!(OptionalLine, |text, max| bounded(text, max, false));
text!(Paragraph, |text, max| bounded(text, max, true));

/// An opaque token from outside (app id, open id, login code, share code):
/// 1 to `MAX` of `0-9 A-Z a-z _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OpaqueText<const MAX: usize>(String);

impl<const MAX: usize> OpaqueText<MAX> {
    /// Reads the token.
    ///
    /// # Errors
    /// `invalid_code` for an empty or too long text or another character.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if text.is_empty() || text.len() > MAX || !text.bytes().all(allowed) {
            let detail = format!("只能由字母、数字、下划线和短横线组成，长度 1 到 {MAX}");
            return Err(FieldError::new("invalid_code", detail));
        }
        Ok(Self(text.to_owned()))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for OpaqueText<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl<const MAX: usize> std::str::FromStr for OpaqueText<MAX> {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        Self::parse(text)
    }
}

impl ShareCode {
    /// The code made of secret bytes: 22 characters of base64url.
    pub fn from_secret(secret: [u8; 16]) -> Self {
        Self(data_encoding::BASE64URL_NOPAD.encode(&secret))
    }
}

/// A mini-program's app id.
pub type AppId = OpaqueText<32>;
/// A person's id inside one mini-program.
pub type OpenId = OpaqueText<64>;
/// A person's id across the mini-programs of one open-platform account.
pub type UnionId = OpaqueText<64>;
/// The code of a share, at most the 32 characters a mini-program code can carry.
pub type ShareCode = OpaqueText<32>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(Line::<4>::parse("智能门锁").is_ok());
        assert!(Line::<2>::parse("𠀀😀").is_ok());
        assert_eq!(Line::<3>::parse("智能门锁").unwrap_err().code, "too_long");
    }

    #[test]
    fn control_characters_are_rejected_and_line_breaks_only_where_allowed() {
        for bad in ["a\u{0}b", "a\u{7f}b", "a\u{1b}[0m", "a\nb"] {
            assert_eq!(Line::<9>::parse(bad).unwrap_err().code, "control_character");
        }
        assert!(Paragraph::<9>::parse("a\nb").is_ok());
        assert!(Paragraph::<9>::parse("a\tb").is_err());
    }

    #[test]
    fn blank_is_required_only_where_a_value_is() {
        assert_eq!(Line::<9>::parse("  ").unwrap_err().code, "required");
        assert_eq!(OptionalLine::<9>::parse("  ").unwrap().as_str(), "");
    }

    #[test]
    fn a_code_has_no_separator_of_keys() {
        assert!(OpaqueText::<8>::parse("wx_A-1").is_ok());
        for bad in ["", "a#b", "a b", "123456789", "中"] {
            assert!(OpaqueText::<8>::parse(bad).is_err(), "{bad}");
        }
    }
}
