//! Activation of a member's radar: granted, code sent, redeemed, joined.
//!
//! The radar is off until its member has joined; the boss has his without, since
//! somebody must be able to begin.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::failure::Failure;
use crate::field::FieldError;
use crate::id::MemberId;
use crate::member::Role;
use crate::mobile::Mobile;
use crate::timestamp::{DAY_MS, SECOND_MS, Timestamp};

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

/// A code that was sent, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCode {
    /// Random, of this code only; its hash and its ticket are bound to it.
    pub nonce: String,
    /// What is known of the code itself.
    pub hash: String,
    /// When it was sent.
    #[serde(with = "crate::timestamp::as_millis")]
    pub sent_at: Timestamp,
    /// How often it may still be tried.
    pub tries_left: u32,
}

impl SentCode {
    /// When it stops being good.
    pub fn expires_at(&self) -> Timestamp {
        self.sent_at.plus_millis(CODE_LIFE_MS)
    }
}

/// How far a member is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Never granted, or revoked.
    None,
    /// Granted; the code of the last SMS, unless none could be sent.
    Granted {
        /// The code that counts.
        code: Option<SentCode>,
    },
    /// The code was right; the ticket is to be followed.
    Redeemed {
        /// That of the code.
        nonce: String,
        /// When.
        #[serde(with = "crate::timestamp::as_millis")]
        at: Timestamp,
    },
    /// The radar is on.
    Joined {
        /// Since when.
        #[serde(with = "crate::timestamp::as_millis")]
        at: Timestamp,
    },
}

impl State {
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
    /// Whose.
    pub member: MemberId,
    /// Where codes are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Mobile>,
    /// How far he is.
    pub state: State,
    /// When codes were sent in the last day, in Unix milliseconds. Outlives a revocation:
    /// granting anew is no way around the limits.
    #[serde(default)]
    pub sends: Vec<i64>,
    /// Goes up by one with each change; 0 is not stored yet.
    pub version: u64,
}

/// How somebody comes to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// By the ticket of his redeemed code.
    Ticket,
    /// By the company's own QR code, without an SMS.
    CompanyQr,
}

/// What happens to an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
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
    Join(Entry),
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
    Refused(#[from] Refusal),
    /// The code was not sent; says why, for the log.
    #[error("the code was not sent: {0}")]
    NotSent(String),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a step is not possible. Nothing changes then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
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
    /// That of a member for whom nothing has happened yet.
    pub fn none(member: MemberId) -> Self {
        Self { member, mobile: None, state: State::None, sends: Vec::new(), version: 0 }
    }

    /// Whether the member's radar is on.
    pub fn is_on(&self, role: Role) -> bool {
        role == Role::Boss || matches!(self.state, State::Joined { .. })
    }

    /// The code that counts, if there is one.
    pub fn code(&self) -> Option<&SentCode> {
        match &self.state {
            State::Granted { code } => code.as_ref(),
            State::None | State::Redeemed { .. } | State::Joined { .. } => None,
        }
    }

    /// What it is after `step`; the same, version included, where the step changes nothing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn after(&self, step: Step, now: Timestamp) -> Result<Self, Refusal> {
        let state = self.state.clone();
        let (mobile, state, sent) = match (step, state) {
            (Step::Grant(mobile, code), State::None) => {
                let sent = code.is_some();
                (Some(mobile), State::Granted { code }, sent)
            }
            (Step::Resend(code), State::Granted { .. } | State::Redeemed { .. }) => {
                let sent = code.is_some();
                (self.mobile.clone(), State::Granted { code }, sent)
            }
            (Step::Redeem { right }, State::Granted { code }) => {
                (self.mobile.clone(), tried(code.ok_or(Refusal::NoCode)?, right, now)?, false)
            }
            (Step::Join(entry), State::Granted { .. } | State::Redeemed { .. }) => {
                self.may_join(entry, now)?;
                (self.mobile.clone(), State::Joined { at: now }, false)
            }
            (Step::SendFailed(nonce), State::Granted { code: Some(code) }) if code.nonce == nonce => {
                (self.mobile.clone(), State::Granted { code: None }, false)
            }
            (Step::Revoke, State::Granted { .. } | State::Redeemed { .. } | State::Joined { .. }) => {
                (None, State::None, false)
            }
            (Step::Grant(..), State::Granted { .. } | State::Redeemed { .. } | State::Joined { .. })
            | (Step::Join(_), State::Joined { .. })
            | (Step::SendFailed(_), _)
            | (Step::Revoke, State::None) => return Ok(self.clone()),
            (Step::Resend(_) | Step::Join(_), State::None) => return Err(Refusal::NotGranted),
            (Step::Resend(_), State::Joined { .. }) => return Err(Refusal::Joined),
            (Step::Redeem { .. }, State::None) => return Err(Refusal::NoCode),
            (Step::Redeem { .. }, State::Redeemed { .. } | State::Joined { .. }) => return Err(Refusal::CodeUsed),
        };
        let sends = self.sends_after(sent, now)?;
        Ok(Self { member: self.member, mobile, state, sends, version: self.version + 1 })
    }

    fn may_join(&self, entry: Entry, now: Timestamp) -> Result<(), Refusal> {
        let in_time = match &self.state {
            State::Redeemed { at, .. } => now.millis() - at.millis() < TICKET_LIFE_MS,
            State::None | State::Granted { .. } | State::Joined { .. } => false,
        };
        if entry == Entry::CompanyQr || in_time { Ok(()) } else { Err(Refusal::Ticket) }
    }

    /// The sends of the last day, with one more if `sent`.
    fn sends_after(&self, sent: bool, now: Timestamp) -> Result<Vec<i64>, Refusal> {
        let within = |millis: i64| self.sends.iter().filter(move |at| now.millis() - **at < millis);
        if sent && SENDS_MAX.iter().any(|(millis, most)| within(*millis).count() >= *most) {
            return Err(Refusal::TooManyCodes);
        }
        let mut sends: Vec<i64> = within(DAY_MS).copied().collect();
        sends.extend(sent.then_some(now.millis()));
        Ok(sends)
    }
}

/// The state after a try of `code`.
fn tried(code: SentCode, right: bool, now: Timestamp) -> Result<State, Refusal> {
    if code.tries_left == 0 {
        return Err(Refusal::CodeDead);
    }
    if now >= code.expires_at() {
        return Err(Refusal::CodeExpired);
    }
    if right {
        return Ok(State::Redeemed { nonce: code.nonce, at: now });
    }
    Ok(State::Granted { code: Some(SentCode { tries_left: code.tries_left - 1, ..code }) })
}

#[cfg(test)]
#[path = "activation_tests.rs"]
mod tests;
