//! Invitations: a link by which several people join a company.

use serde::{Deserialize, Serialize};

use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::{InvitationId, MemberId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::OptionalLine;
use crate::kernel::timestamp::{SECOND_MS, Timestamp};
use crate::people::authority::Act;
use crate::people::claim::ClaimCode;
use crate::people::member::Role;

/// What an invitation's link carries: 16 characters, read like a claim code.
pub type InvitationCode = ClaimCode;
/// How many people an invitation is for.
pub type Uses = Within<1, 200>;
/// How long an invitation lasts, in hours; 30 days at most.
pub type LifeHours = Within<1, 720>;
/// What an invitation is for, for those who administrate.
pub type InvitationNote = OptionalLine<60>;

/// Hours an invitation lasts by default: a week.
const LIFE_HOURS_DEFAULT: u32 = 168;
/// Length of an hour in milliseconds.
const HOUR_MS: i64 = 3_600 * SECOND_MS;

/// A whole number of `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Within<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Within<MIN, MAX> {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Within<MIN, MAX> {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, FieldError> {
        let allowed = (MIN..=MAX).contains(&number);
        allowed
            .then_some(Self(number))
            .ok_or_else(|| FieldError::new("out_of_range", format!("应在 {MIN} 到 {MAX} 之间")))
    }
}

impl Default for LifeHours {
    fn default() -> Self {
        Self(LIFE_HOURS_DEFAULT)
    }
}

impl LifeHours {
    /// When an invitation made at `now` expires.
    pub fn after(self, now: Timestamp) -> Timestamp {
        now.plus_millis(i64::from(self.0) * HOUR_MS)
    }
}

string_enum! {
    /// Where an invitation stands.
    InvitationState, "unknown_state", "状态只能是 open、used_up、expired、revoked 或 ended" {
        /// 有效: somebody may still join.
        Open = "open",
        /// 已用完
        UsedUp = "used_up",
        /// 已过期
        Expired = "expired",
        /// 已撤销
        Revoked = "revoked",
        /// 已失效: the member who made it may no longer let such people in.
        Ended = "ended",
    }
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// What those who join may do: staff or admin.
    pub role: Role,
    /// How many people it is for; so many seats are held for it at first.
    pub uses: u32,
    /// How many have joined by it, or asked to.
    pub used: u32,
    /// Whether an admin decides about each.
    pub review: bool,
    /// What it is for, or empty.
    pub note: InvitationNote,
    /// The member who made it.
    pub created_by: MemberId,
    /// When it was made.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
    /// From this time on nobody joins by it.
    #[serde(rename = "expires_ms", with = "crate::kernel::timestamp::as_millis")]
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
}

impl Invitation {
    /// Its state at `now`, when the member who made it has the role `creator`; `None` for one who is
    /// not active.
    pub fn state_by(&self, creator: Option<Role>, now: Timestamp) -> InvitationState {
        let may_invite = |creator| Act::Admit.is_allowed(creator, self.role, false);
        match self.state(now) {
            InvitationState::Open if !creator.is_some_and(may_invite) => InvitationState::Ended,
            state => state,
        }
    }

    /// Its state at `now`, as far as it knows itself.
    pub fn state(&self, now: Timestamp) -> InvitationState {
        if self.revoked {
            InvitationState::Revoked
        } else if self.used >= self.uses {
            InvitationState::UsedUp
        } else if self.expires_at <= now {
            InvitationState::Expired
        } else {
            InvitationState::Open
        }
    }

    /// How many seats are held for it while it is open.
    pub fn left(&self) -> u32 {
        self.uses.saturating_sub(self.used)
    }

    /// What its code opens.
    pub fn offer(&self) -> Offer {
        let (created_by, expires_at) = (Some(self.created_by), self.expires_at);
        Offer { invitation: self.id, role: self.role, review: self.review, created_by, expires_at }
    }
}

/// What a code opens: the part of an invitation that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The invitation.
    pub invitation: InvitationId,
    /// What those who join may do.
    pub role: Role,
    /// Whether an admin decides about each.
    pub review: bool,
    /// The member who made it; `None` in codes of before, of whom nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<MemberId>,
    /// From this time on nobody joins by it.
    #[serde(rename = "expires_ms", with = "crate::kernel::timestamp::as_millis")]
    pub expires_at: Timestamp,
}

/// Why a login is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The claim code is unknown, used or expired.
    #[error("the claim code is invalid")]
    ClaimCodeInvalid,
    /// The person is another member of the company.
    #[error("the person is another member")]
    AlreadyMember,
    /// There is no invitation with this code.
    #[error("the invitation is unknown")]
    InvitationInvalid,
    /// The invitation takes nobody more.
    #[error("the invitation is {}", .0.name())]
    InvitationClosed(InvitationState),
    /// The member was disabled or has left, and does not come back by an invitation.
    #[error("the member is inactive")]
    MemberInactive,
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn invitation(used: u32, revoked: bool) -> Invitation {
        let now = Timestamp::from_millis(1_795_000_000_000);
        Invitation {
            id: InvitationId::from_uuid(Uuid::nil()),
            role: Role::Staff,
            uses: 2,
            used,
            review: false,
            note: InvitationNote::default(),
            created_by: MemberId::from_uuid(Uuid::nil()),
            created_at: now,
            expires_at: LifeHours::default().after(now),
            revoked,
        }
    }

    #[test]
    fn an_invitation_is_open_until_it_is_used_up_expires_or_is_revoked() {
        let end = invitation(0, false).expires_at;
        let before = end.plus_millis(-1);
        for (used, revoked, now, state) in [
            (0, false, before, InvitationState::Open),
            (1, false, before, InvitationState::Open),
            (2, false, before, InvitationState::UsedUp),
            (1, false, end, InvitationState::Expired),
            (2, false, end, InvitationState::UsedUp),
            (1, true, before, InvitationState::Revoked),
            (2, true, end, InvitationState::Revoked),
        ] {
            assert_eq!(invitation(used, revoked).state(now), state, "{used} {revoked}");
        }
        assert_eq!(end.millis() - invitation(0, false).created_at.millis(), 7 * 24 * HOUR_MS);
    }

    #[test]
    fn an_open_invitation_ends_with_the_right_of_who_made_it() {
        let (now, open) = (invitation(0, false).created_at, invitation(0, false));
        assert_eq!(open.state_by(Some(Role::Admin), now), InvitationState::Open);
        for ended in [None, Some(Role::Staff)] {
            assert_eq!(open.state_by(ended, now), InvitationState::Ended, "{ended:?}");
        }
        let of_admins = Invitation { role: Role::Admin, ..open };
        assert_eq!(of_admins.state_by(Some(Role::Admin), now), InvitationState::Ended);
        assert_eq!(of_admins.state_by(Some(Role::Boss), now), InvitationState::Open);
        assert_eq!(invitation(2, false).state_by(None, now), InvitationState::UsedUp, "it is over anyway");
    }

    #[test]
    fn numbers_have_limits() {
        assert_eq!([1, 200].map(|uses| Uses::try_from(uses).map(Uses::get)), [Ok(1), Ok(200)]);
        for uses in [0, 201] {
            assert_eq!(Uses::try_from(uses).unwrap_err().code, "out_of_range");
        }
        assert!(LifeHours::try_from(720).is_ok() && LifeHours::try_from(721).is_err());
    }
}
