//! The tags of a card (我的标签): short, and counted as people count.

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_segmentation::UnicodeSegmentation;

use crate::kernel::field::FieldError;
use crate::kernel::list::UniqueList;
use crate::kernel::text::Line;

/// Most characters of a tag, as people see them: a letter, a 字 and an emoji of a family are one each.
pub const TAG_GRAPHEMES_MAX: usize = 7;
/// Most code points of a tag: one visible character can be made of any number of them.
pub(crate) const TAG_CHARS_MAX: usize = 16 * TAG_GRAPHEMES_MAX;

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

/// The tags of a card: at most ten, none twice.
pub type Tags = UniqueList<Tag, 10>;

impl Tag {
    /// Reads a tag.
    ///
    /// # Errors
    /// `required`, `too_long` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let line = Line::<TAG_CHARS_MAX>::parse(text);
        match line {
            Ok(line) if line.as_str().graphemes(true).count() <= TAG_GRAPHEMES_MAX => {
                Ok(Self(line.as_str().to_owned()))
            }
            Err(error) if error.code != "too_long" => Err(error),
            _ => Err(FieldError::new("too_long", format!("标签不能超过 {TAG_GRAPHEMES_MAX} 个字"))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILY: &str = "👨‍👩‍👧‍👦";

    #[test]
    fn seven_visible_characters_pass_whatever_they_are_made_of_and_eight_do_not() {
        let skins = "👨🏻‍👩🏽‍👧🏿‍👦🏼";
        for one in ["茶", "a", FAMILY, skins, "🏳️‍🌈", "🇨🇳", "é", "e\u{301}", "𠀀"] {
            assert_eq!(Tag::parse(&one.repeat(7)).unwrap().as_str(), one.repeat(7), "{one}");
            assert_eq!(Tag::parse(&one.repeat(8)).unwrap_err().code, "too_long", "{one}");
        }
    }

    #[test]
    fn empty_and_control_characters_are_rejected_and_blanks_trimmed() {
        assert_eq!(Tag::parse(" ").unwrap_err().code, "required");
        assert_eq!(Tag::parse("a\nb").unwrap_err().code, "control_character");
        assert_eq!(Tag::parse(" 懂茶 ").unwrap().as_str(), "懂茶");
    }

    #[test]
    fn one_character_of_a_thousand_accents_is_too_long() {
        let tall = format!("e{}", "\u{301}".repeat(1_000));
        assert_eq!(Tag::parse(&tall).unwrap_err().code, "too_long");
    }

    proptest! {
        #[test]
        fn what_passes_is_read_again_as_it_is(text in "\\PC{0,12}") {
            if let Ok(tag) = Tag::parse(&text) {
                prop_assert_eq!(Tag::parse(tag.as_str()), Ok(tag));
            }
        }
    }
}
