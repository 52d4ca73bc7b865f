//! Invitations: a link by which several people join a company.

use serde::{Deserialize, Serialize};

use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::{InvitationId, MemberId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::OptionalLine;
use crate::kernel::timestamp::{SECOND_MS, Timestamp};
use crate::people::authority::MemberAct;
use crate::people::claim_code::ClaimCode;
use crate::people::member::{Member, Role};

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
    /// The state of an invitation.
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
    /// Its state at `now` by the member who made it, as they are now.
    pub fn state_by(&self, creator: Option<&Member>, now: Timestamp) -> InvitationState {
        let may_invite = |creator: &Member| MemberAct::Admit.is_backed_by(creator, self.role, self.created_at);
        let state = self.state(now);
        let is_ended = state == InvitationState::Open && !creator.is_some_and(may_invite);
        if is_ended { InvitationState::Ended } else { state }
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
        let Self { id, role, review, created_at, expires_at, .. } = *self;
        Offer { invitation: id, role, review, created_by: Some(self.created_by), created_at, expires_at }
    }
}

/// When a code of before was made, as far as is known.
fn long_ago() -> Timestamp {
    Timestamp::from_millis(0)
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
    /// When it was made; the beginning of time in codes of before.
    #[serde(rename = "created_ms", default = "long_ago", with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
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
    use crate::kernel::id::PersonId;
    use crate::people::member::{PersonName, Position};

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
        let maker = |role, joined: bool| {
            let (id, name) = (MemberId::from_uuid(uuid::Uuid::nil()), PersonName::parse("林悦").unwrap());
            let person = joined.then(|| PersonId::from_uuid(uuid::Uuid::nil()));
            Member { person, ..Member::invited(id, name, Position::default(), role, now) }
        };
        let state = |invitation: &Invitation, maker: &Member| invitation.state_by(Some(maker), now);
        assert_eq!(state(&open, &maker(Role::Admin, true)), InvitationState::Open);
        for ended in [maker(Role::Staff, true), maker(Role::Admin, false)] {
            assert_eq!(state(&open, &ended), InvitationState::Ended, "{ended:?}");
        }
        assert_eq!(open.state_by(None, now), InvitationState::Ended);
        let of_admins = Invitation { role: Role::Admin, ..open.clone() };
        assert_eq!(state(&of_admins, &maker(Role::Admin, true)), InvitationState::Ended);
        assert_eq!(state(&of_admins, &maker(Role::Boss, true)), InvitationState::Open);
        assert_eq!(invitation(2, false).state_by(None, now), InvitationState::UsedUp, "it is over anyway");
        // Rights that came back later do not count for it; those of a higher role may.
        let since = |admin_since_ms, boss_since_ms| Member { admin_since_ms, boss_since_ms, ..maker(Role::Boss, true) };
        let (made, later) = (now.millis(), now.millis() + 1);
        for (maker, of_staff, of_admin) in [
            (since(made, made), InvitationState::Open, InvitationState::Open),
            (since(made, later), InvitationState::Open, InvitationState::Ended),
            (since(later, later), InvitationState::Ended, InvitationState::Ended),
        ] {
            assert_eq!((state(&open, &maker), state(&of_admins, &maker)), (of_staff, of_admin), "{maker:?}");
        }
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
