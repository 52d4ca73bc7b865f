//! Characters that nobody sees: they make two names look alike, a name look empty, or a text run
//! backwards. They stand for nothing; what people typed is not refused for them.

use std::borrow::Cow;

/// Joins the signs of an emoji; one at the end joins nothing.
pub const JOINER: char = '\u{200D}';
/// Shows the character before it as an emoji.
const EMOJI_STYLE: char = '\u{FE0F}';

/// Whether a character shows nothing by itself: what Unicode lets a program ignore, marks of direction,
/// separators of lines and paragraphs, fillers, and noncharacters. The two of them that emoji need,
/// the joiner and the emoji style, are among them; [`seen`] leaves those where they have something to do.
pub fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{FFFE}'..='\u{FFFF}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// The text without the characters that nobody sees. Emoji stay whole, but for the flags of parts of
/// countries: their letters are unseen text of any length.
pub(crate) fn seen(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return text.into();
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let before = kept.chars().next_back();
        let has_task = match c {
            JOINER => {
                before.is_some_and(|c| is_pictograph(c) || c == EMOJI_STYLE)
                    && rest.peek().is_some_and(|c| is_pictograph(*c))
            }
            EMOJI_STYLE => before.is_some_and(|c| is_pictograph(c) || matches!(c, '#' | '*' | '0'..='9')),
            _ => false,
        };
        if has_task || !is_unseen(c) {
            kept.push(c);
        }
    }
    kept.into()
}

/// Whether a character is, or may be, an emoji.
fn is_pictograph(c: char) -> bool {
    matches!(
        c,
        '\u{A9}'
            | '\u{AE}'
            | '\u{203C}'
            | '\u{2049}'
            | '\u{2122}'
            | '\u{2139}'
            | '\u{2190}'..='\u{21FF}'
            | '\u{2300}'..='\u{27BF}'
            | '\u{2934}'..='\u{2935}'
            | '\u{2B00}'..='\u{2BFF}'
            | '\u{3030}'
            | '\u{303D}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{1F000}'..='\u{1FAFF}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn emoji_stay_whole() {
        for emoji in [
            "👨\u{200D}👩\u{200D}👧",
            "❤\u{FE0F}",
            "🏳\u{FE0F}\u{200D}🌈",
            "1\u{FE0F}\u{20E3}",
            "👩🏽\u{200D}💻",
            "🧔\u{200D}♂\u{FE0F}",
        ] {
            let text = format!("a{emoji}b");
            assert_eq!(seen(&text), text);
        }
    }

    #[test]
    fn what_joins_or_styles_nothing_is_taken_out() {
        for text in ["a\u{200D}b", "\u{200D}ab", "ab\u{200D}", "a\u{FE0F}b", "\u{FE0F}ab", "a\u{200C}b"] {
            assert_eq!(seen(text), "ab", "{text:?}");
        }
        assert_eq!(seen("👨\u{200D}\u{200B}👩"), "👨👩");
        assert_eq!(seen("👨\u{200D}\u{200D}👩"), "👨\u{200D}👩");
        assert_eq!(seen("❤\u{FE0F}\u{FE0F}"), "❤\u{FE0F}");
        assert_eq!(seen("\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}"), "\u{1F3F4}");
    }

    proptest! {
        /// Texts of letters, emoji, and everything that is not seen.
        #[test]
        fn what_is_left_is_seen_and_in_its_order(
            text in prop::collection::vec(prop_oneof![
                3 => any::<char>(),
                3 => prop::sample::select(vec!['a', '1', '林', '👨', '❤', '♂', ' ', JOINER, EMOJI_STYLE]),
                1 => prop::sample::select(('\0'..=char::MAX).filter(|c| is_unseen(*c)).collect::<Vec<_>>()),
            ], 0..24),
        ) {
            let text: String = text.into_iter().collect();
            let left = seen(&text);
            prop_assert_eq!(seen(&left), left.as_ref(), "once is enough");
            let without = |text: &str| text.chars().filter(|c| !is_unseen(*c)).collect::<String>();
            prop_assert_eq!(without(&left), without(&text), "nothing that is seen is lost or moved");
            let chars: Vec<char> = left.chars().collect();
            for (place, c) in chars.iter().enumerate().filter(|(_, c)| is_unseen(**c)) {
                prop_assert!([JOINER, EMOJI_STYLE].contains(c), "{:?}", c);
                prop_assert!(place > 0, "the first character is seen");
                prop_assert!(*c != JOINER || chars.get(place + 1).is_some_and(|next| is_pictograph(*next)));
            }
        }
    }
}
