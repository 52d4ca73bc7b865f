//! Why an event is kept but not counted.

use crate::kernel::string_enum::string_enum;

string_enum! {
    /// Why an event is not counted (过滤原因).
    FilterReason, "unknown_filter_reason", "过滤原因只能是 bot、own、colleague 或 burst" {
        /// 机器人: the client calls itself a crawler.
        Bot = "bot",
        /// 本人: owners on their own cards.
        Own = "own",
        /// 同事: another member of the company.
        Colleague = "colleague",
        /// 刷量: more of the same within seconds than a person can do.
        Burst = "burst",
    }
}

impl FilterReason {
    /// The stored letter; never change one.
    pub fn letter(self) -> char {
        match self {
            Self::Bot => 'b',
            Self::Own => 'o',
            Self::Colleague => 'c',
            Self::Burst => 'r',
        }
    }

    /// The reason stored under this letter.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.letter() == letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_letter() {
        for reason in FilterReason::ALL {
            assert_eq!(FilterReason::from_letter(reason.letter()), Some(*reason));
        }
    }
}
