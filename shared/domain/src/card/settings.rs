//! What members set for themselves, and the company for all: phrase books and the greeting.

use crate::kernel::list::UniqueList;
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::Line;

/// A phrase to send with one tap.
pub type Phrase = Line<200>;
/// The phrases of one book.
pub type Phrases = UniqueList<Phrase, 50>;
/// What members read under their name after the login.
pub type Greeting = Line<60>;

/// The greeting of a member who has set none.
pub const DEFAULT_GREETING: &str = "今天的你也要努力哦";

string_enum! {
    /// A phrase book. The names are stored: never change one.
    PhraseBook, "unknown_book", "常用语只有 chat 和 follow_up 两种" {
        /// 用户常用语: for the chat with a visitor.
        Chat = "chat",
        /// CRM 常用语: for follow-up records.
        FollowUp = "follow_up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_greeting_is_one_that_could_be_set() {
        assert_eq!(Greeting::parse(DEFAULT_GREETING).unwrap().as_str(), DEFAULT_GREETING);
    }

    #[test]
    fn a_book_holds_fifty_phrases_of_two_hundred_characters() {
        let phrase = |n: usize| Phrase::parse(&format!("{n:03}{}", "茶".repeat(197))).unwrap();
        assert!(Phrases::parse((0..50).map(phrase).collect()).is_ok());
        assert_eq!(Phrases::parse((0..51).map(phrase).collect()).unwrap_err().code, "too_many");
        assert!(Phrase::parse(&"茶".repeat(201)).is_err());
    }
}
