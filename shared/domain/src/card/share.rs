//! Shares: the code that names who passed a card on, and how.

use serde::{Deserialize, Serialize};

use crate::kernel::id::{CardId, PersonId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::ShareCode;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::tracking::event::Target;

string_enum! {
    /// How a visitor comes in. The names are stored: never change one.
    Channel, "unknown_channel", "渠道只能是 share、code 或 notification" {
        /// 分享链接
        Share = "share",
        /// 扫码
        Code = "code",
        /// 服务通知
        Notification = "notification",
    }
}

/// A share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its code.
    pub code: ShareCode,
    /// The card that is shared.
    pub card: CardId,
    /// What is shown of it first.
    pub target: Target,
    /// How it is passed on.
    pub channel: Channel,
    /// Who passes it on.
    pub sharer: PersonId,
    /// When it was made.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
}

/// How long a visitor's share code is kept. Members' codes stand on posters and are kept for good.
const VISITORS_CODE_MS: i64 = 400 * DAY_MS;

impl Share {
    /// When the code is forgotten, if ever.
    pub fn forgotten_at(&self, by_member: bool) -> Option<Timestamp> {
        (!by_member).then(|| self.created_at.plus_millis(VISITORS_CODE_MS))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::kernel::text::ShareCode;

    proptest! {
        #[test]
        fn a_share_code_reads_back_and_fits_a_mini_program_code(secret: [u8; 16]) {
            let code = ShareCode::from_secret(secret);
            prop_assert_eq!(code.as_str().len(), 22);
            prop_assert_eq!(ShareCode::parse(code.as_str()), Ok(code));
        }
    }
}
