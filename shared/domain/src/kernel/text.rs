//! Text that people typed: bounded, without control characters, of characters that are seen and that a
//! queue takes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::kernel::field::FieldError;
use crate::kernel::unseen::{JOINER, seen};

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

/// The last character of a text that was cut.
const CUT: char = '…';
/// Half an emoji is read as this, and so is what was no text.
const UNREADABLE: char = '\u{FFFD}';

/// Whether a queue takes a message with this character: SQS takes the characters of XML 1.0.
pub fn is_sendable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

fn bounded(text: &str, max: usize, line_breaks: bool) -> Result<String, FieldError> {
    let text = seen(text);
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

impl<const MAX: usize> Line<MAX> {
    /// The line that is left of a text that a program sends: without the characters that a line may
    /// not have, and cut to `MAX` characters with `…` as the last one. `None` if nothing is left.
    pub fn cut(text: &str) -> Option<Self> {
        let text = seen(text);
        let spaced = text.chars().map(|c| if c.is_control() && c.is_whitespace() { ' ' } else { c });
        let line: String = spaced.filter(|c| !c.is_control() && *c != UNREADABLE && is_sendable(*c)).collect();
        let line = line.trim();
        let Some((end, _)) = line.char_indices().nth(MAX) else { return Self::parse(line).ok() };
        let last = line[..end].char_indices().next_back().map_or(0, |(place, _)| place);
        Some(Self(format!("{}{CUT}", line[..last].trim_end_matches([' ', JOINER]))))
    }
}
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
    use crate::kernel::unseen::is_unseen;

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
    fn every_character_is_refused_removed_or_taken_by_a_queue() {
        for c in '\0'..=char::MAX {
            let text = format!("a{c}b");
            for kept in [Line::<9>::parse(&text).map(|line| line.0), Paragraph::<9>::parse(&text).map(|text| text.0)] {
                match kept {
                    Ok(kept) => assert!(kept.chars().all(|c| is_sendable(c) && !is_unseen(c)), "{c:?}"),
                    Err(error) => assert!(error.code == "control_character" && c.is_control(), "{c:?}"),
                }
            }
            let cut = Line::<9>::cut(&text).unwrap();
            assert!(cut.as_str().chars().all(is_sendable) && Line::<9>::parse(cut.as_str()) == Ok(cut), "{c:?}");
        }
        assert_eq!(Line::<9>::parse("a\u{FFFF}\u{FFFE}b").unwrap().as_str(), "ab");
        assert_eq!(Line::<9>::parse("\u{FFFF}").unwrap_err().code, "required");
        assert!(Line::<2>::parse("a\u{FFFF}b").is_ok(), "what is removed is not counted");
    }

    #[test]
    fn what_a_program_sends_is_cut_and_says_so() {
        let cut = |text: &str| Line::<4>::cut(text).map(|line| line.0);
        assert_eq!(cut("智能门锁").as_deref(), Some("智能门锁"));
        assert_eq!(cut("智能门锁旗舰").as_deref(), Some("智能门…"));
        assert_eq!(cut(" a\u{0}b\u{1b}\u{FFFF}\u{FFFD}\n ").as_deref(), Some("ab"));
        assert_eq!(cut("a\nb").as_deref(), Some("a b"));
        assert_eq!(cut("ab cde").as_deref(), Some("ab…"));
        assert_eq!(cut("a👨\u{200D}👩\u{200D}👧").as_deref(), Some("a👨…"));
        for nothing in ["", "  ", "\u{0}", "\u{FFFF}", "\u{200B}", " \u{202E}\u{3164} "] {
            assert_eq!(cut(nothing), None);
        }
        assert_eq!(cut("茶\u{202E}\u{2028}壶").as_deref(), Some("茶壶"));
        assert_eq!(Line::<1>::cut("ab").unwrap().as_str(), "…");
    }

    #[test]
    fn blank_is_required_only_where_a_value_is() {
        for blank in ["  ", "\u{200B}", "\u{FEFF}", "\u{2060}", "\u{3164}", " \u{202E} ", "\u{200D}\u{FE0F}"] {
            assert_eq!(Line::<9>::parse(blank).unwrap_err().code, "required", "{blank:?}");
        }
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
