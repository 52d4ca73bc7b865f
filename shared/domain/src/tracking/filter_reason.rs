//! Why an event is held back, or a part of what it says.

use crate::kernel::string_enum::string_enum;

string_enum! {
    /// Why an event is held back (过滤原因).
    FilterReason, "unknown_filter_reason", "未知的过滤原因" {
        /// 机器人: the client calls itself a crawler.
        Bot = "bot",
        /// 本人: owners on their own cards.
        Own = "own",
        /// 同事: another member of the company.
        Colleague = "colleague",
        /// 刷量: more of the same on a card within a minute than a person can do.
        Burst = "burst",
        /// 超过每日上限: more of the same in a day than a person can do.
        DailyLimit = "daily_limit",
        /// 停留超时: a longer stay than the time that has passed.
        DwellTime = "dwell_time",
        /// 批次编号重复: other events under a batch id that was used before.
        ReusedBatch = "reused_batch",
        /// 未登录: the person has not logged in. It counts, and is evidence once they have.
        Anonymous = "anonymous",
        /// 分享码无效: the share code is none of the company's. It counts, without the code.
        UnknownShare = "unknown_share",
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
            Self::DailyLimit => 'd',
            Self::DwellTime => 't',
            Self::ReusedBatch => 'u',
            Self::Anonymous => 'a',
            Self::UnknownShare => 's',
        }
    }

    /// The reason stored under this letter.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.letter() == letter)
    }

    /// Whether the event is counted all the same: only a part of what it says is held back.
    pub fn counts(self) -> bool {
        match self {
            Self::Bot | Self::Own | Self::Colleague | Self::Burst => false,
            Self::DailyLimit | Self::DwellTime | Self::ReusedBatch => false,
            Self::Anonymous | Self::UnknownShare => true,
        }
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
