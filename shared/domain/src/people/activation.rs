//! Activation of a member's radar: granted, code sent, redeemed, joined.
//!
//! The radar is off until its member has joined. The boss has theirs from the start, since
//! somebody must be able to begin.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::MemberId;
use crate::kernel::mobile::Mobile;
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use crate::people::member::Role;

/// How long a code can be redeemed.
pub const CODE_LIFE_MS: i64 = 600 * SECOND_MS;
/// How long the ticket of a redeemed code can be followed.
pub const TICKET_LIFE_MS: i64 = 600 * SECOND_MS;
/// How often a code may be tried.
pub const TRIES: u32 = 5;
/// Most codes sent to a member in each of these times, whatever happens between.
const SENDS_MAX: [(i64, usize); 3] = [(60 * SECOND_MS, 1), (3_600 * SECOND_MS, 5), (DAY_MS, 10)];
const DIGITS: usize = 6;
const CODES: u32 = 1_000_000;

/// A code: six digits. It has no `Debug` or `Display`, so that it does not get into a
/// log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct RadarCode(String);

impl RadarCode {
    /// The code of the first of these random numbers that is fair: the numbers past the
    /// last whole million would favour small codes.
    pub fn from_random(numbers: &[u32]) -> Option<Self> {
        let fair = numbers.iter().find(|number| **number < u32::MAX - u32::MAX % CODES)?;
        Some(Self(format!("{:06}", fair % CODES)))
    }

    /// Reads what a person typed.
    ///
    /// # Errors
    /// `invalid_radar_code` when it cannot be one.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let code = text.trim();
        let valid = code.len() == DIGITS && code.bytes().all(|b| b.is_ascii_digit());
        if valid {
            Ok(Self(code.to_owned()))
        } else {
            Err(FieldError::new("invalid_radar_code", "验证码应为 6 位数字"))
        }
    }

    /// The digits, for the SMS and for hashing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RadarCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// The stored part of a code that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCode {
    /// Random, of this code only; its hash and its ticket are bound to it.
    pub nonce: String,
    /// What is known of the code itself.
    pub hash: String,
    /// When it was sent.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub sent_at: Timestamp,
    /// How often it may still be tried.
    pub tries_left: u32,
}

impl SentCode {
    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.sent_at.plus_millis(CODE_LIFE_MS)
    }
}

/// The state of a member's activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationState {
    /// Never granted, or revoked.
    None,
    /// Granted; the code of the last SMS, unless none could be sent.
    Granted {
        /// The code that counts.
        code: Option<SentCode>,
    },
    /// The code was right; the ticket is to be followed.
    Redeemed {
        /// The code's nonce.
        nonce: String,
        /// When it was redeemed.
        #[serde(with = "crate::kernel::timestamp::as_millis")]
        at: Timestamp,
    },
    /// The radar is on.
    Joined {
        /// Since when.
        #[serde(with = "crate::kernel::timestamp::as_millis")]
        at: Timestamp,
    },
}

impl ActivationState {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Granted { .. } => "granted",
            Self::Redeemed { .. } => "redeemed",
            Self::Joined { .. } => "joined",
        }
    }
}

/// A member's activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The member.
    pub member: MemberId,
    /// Where codes are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Mobile>,
    /// The state it is in.
    pub state: ActivationState,
    /// When codes were sent in the last day, in Unix milliseconds. Outlives a revocation:
    /// granting anew is no way around the limits.
    #[serde(default)]
    pub sends: Vec<i64>,
    /// Goes up by one with each change; 0 is not stored yet.
    pub version: u64,
}

/// How a member joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RadarEntry {
    /// By the ticket of their redeemed code.
    Ticket,
    /// By the company's own QR code, without an SMS.
    CompanyQr,
}

/// What happens to an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivationStep {
    /// An admin switches the radar on; no code when there is no way to send one.
    Grant(Mobile, Option<SentCode>),
    /// An admin has a new code sent, which replaces the old one.
    Resend(Option<SentCode>),
    /// The code with this nonce could not be sent.
    SendFailed(String),
    /// The member types a code, right or wrong.
    Redeem {
        /// Whether it is the one that counts.
        right: bool,
    },
    /// The member follows a QR code.
    Join(RadarEntry),
    /// An admin switches the radar off.
    Revoke,
}

/// Why an action of activation fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActivationError {
    /// The member was disabled or has left.
    #[error("the member is inactive")]
    MemberInactive,
    /// To the member themselves: the radar was not granted.
    #[error("the radar is off")]
    NotActive,
    /// The step is not possible.
    #[error(transparent)]
    Refused(#[from] ActivationRefusal),
    /// The code was not sent; carries the reason, for the log.
    #[error("the code was not sent: {0}")]
    NotSent(String),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a step is not possible. Nothing changes then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActivationRefusal {
    /// The radar was not granted.
    #[error("not granted")]
    NotGranted,
    /// The radar is on already.
    #[error("joined already")]
    Joined,
    /// Too many codes were sent.
    #[error("too many codes sent")]
    TooManyCodes,
    /// There is no code that could be right.
    #[error("no code")]
    NoCode,
    /// The code is too old.
    #[error("code expired")]
    CodeExpired,
    /// The code was tried too often.
    #[error("code tried too often")]
    CodeDead,
    /// The code was redeemed.
    #[error("code used")]
    CodeUsed,
    /// The ticket is not one to join with, or too old.
    #[error("ticket refused")]
    Ticket,
}

impl Activation {
    /// The activation of a member for whom nothing has happened yet.
    pub fn none(member: MemberId) -> Self {
        Self { member, mobile: None, state: ActivationState::None, sends: Vec::new(), version: 0 }
    }

    /// Whether the member's radar is on.
    pub fn is_on(&self, role: Role) -> bool {
        role == Role::Boss || self.has_joined()
    }

    /// Whether the member has turned it on.
    pub fn has_joined(&self) -> bool {
        matches!(self.state, ActivationState::Joined { .. })
    }

    /// The code that counts, if there is one.
    pub fn code(&self) -> Option<&SentCode> {
        match &self.state {
            ActivationState::Granted { code } => code.as_ref(),
            ActivationState::None | ActivationState::Redeemed { .. } | ActivationState::Joined { .. } => None,
        }
    }

    /// The activation after `step`; the same, version included, when the step changes nothing.
    ///
    /// # Errors
    /// [`ActivationRefusal`].
    pub fn after(&self, step: ActivationStep, now: Timestamp) -> Result<Self, ActivationRefusal> {
        let state = self.state.clone();
        let (mobile, state, sent) = match (step, state) {
            (ActivationStep::Grant(mobile, code), ActivationState::None) => {
                let sent = code.is_some();
                (Some(mobile), ActivationState::Granted { code }, sent)
            }
            (ActivationStep::Resend(code), ActivationState::Granted { .. } | ActivationState::Redeemed { .. }) => {
                let sent = code.is_some();
                (self.mobile.clone(), ActivationState::Granted { code }, sent)
            }
            (ActivationStep::Redeem { right }, ActivationState::Granted { code }) => {
                (self.mobile.clone(), tried(code.ok_or(ActivationRefusal::NoCode)?, right, now)?, false)
            }
            (ActivationStep::Join(entry), ActivationState::Granted { .. } | ActivationState::Redeemed { .. }) => {
                self.may_join(entry, now)?;
                (self.mobile.clone(), ActivationState::Joined { at: now }, false)
            }
            (ActivationStep::SendFailed(nonce), ActivationState::Granted { code: Some(code) })
                if code.nonce == nonce =>
            {
                (self.mobile.clone(), ActivationState::Granted { code: None }, false)
            }
            (
                ActivationStep::Revoke,
                ActivationState::Granted { .. } | ActivationState::Redeemed { .. } | ActivationState::Joined { .. },
            ) => (None, ActivationState::None, false),
            (
                ActivationStep::Grant(..),
                ActivationState::Granted { .. } | ActivationState::Redeemed { .. } | ActivationState::Joined { .. },
            )
            | (ActivationStep::Join(_), ActivationState::Joined { .. })
            | (ActivationStep::SendFailed(_), _)
            | (ActivationStep::Revoke, ActivationState::None) => return Ok(self.clone()),
            (ActivationStep::Resend(_) | ActivationStep::Join(_), ActivationState::None) => {
                return Err(ActivationRefusal::NotGranted);
            }
            (ActivationStep::Resend(_), ActivationState::Joined { .. }) => return Err(ActivationRefusal::Joined),
            (ActivationStep::Redeem { .. }, ActivationState::None) => return Err(ActivationRefusal::NoCode),
            (ActivationStep::Redeem { .. }, ActivationState::Redeemed { .. } | ActivationState::Joined { .. }) => {
                return Err(ActivationRefusal::CodeUsed);
            }
        };
        let sends = self.sends_after(sent, now)?;
        Ok(Self { member: self.member, mobile, state, sends, version: self.version + 1 })
    }

    fn may_join(&self, entry: RadarEntry, now: Timestamp) -> Result<(), ActivationRefusal> {
        let in_time = match &self.state {
            ActivationState::Redeemed { at, .. } => now.millis() - at.millis() < TICKET_LIFE_MS,
            ActivationState::None | ActivationState::Granted { .. } | ActivationState::Joined { .. } => false,
        };
        if entry == RadarEntry::CompanyQr || in_time { Ok(()) } else { Err(ActivationRefusal::Ticket) }
    }

    /// The sends of the last day, with one more if `sent`.
    fn sends_after(&self, sent: bool, now: Timestamp) -> Result<Vec<i64>, ActivationRefusal> {
        let within = |millis: i64| self.sends.iter().filter(move |at| now.millis() - **at < millis);
        if sent && SENDS_MAX.iter().any(|(millis, most)| within(*millis).count() >= *most) {
            return Err(ActivationRefusal::TooManyCodes);
        }
        let mut sends: Vec<i64> = within(DAY_MS).copied().collect();
        sends.extend(sent.then_some(now.millis()));
        Ok(sends)
    }
}

/// The state after a try of `code`.
fn tried(code: SentCode, right: bool, now: Timestamp) -> Result<ActivationState, ActivationRefusal> {
    if code.tries_left == 0 {
        return Err(ActivationRefusal::CodeDead);
    }
    if now >= code.expires_at() {
        return Err(ActivationRefusal::CodeExpired);
    }
    if right {
        return Ok(ActivationState::Redeemed { nonce: code.nonce, at: now });
    }
    Ok(ActivationState::Granted { code: Some(SentCode { tries_left: code.tries_left - 1, ..code }) })
}

#[cfg(test)]
#[path = "activation_tests.rs"]
mod tests;
