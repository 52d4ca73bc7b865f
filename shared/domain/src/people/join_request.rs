//! Requests to join: people who come by an invitation with review wait for a decision.

use serde::{Deserialize, Serialize};

use crate::kernel::failure::Failure;
use crate::kernel::id::{InvitationId, JoinRequestId, MemberId, PersonId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::OpenId;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::people::member::{PersonName, Position, Role};

/// How long a request waits, and a seat is held for it.
const LIFE_MS: i64 = 7 * DAY_MS;

string_enum! {
    /// What was decided.
    Decision, "unknown_decision", "只能是 approve 或 reject" {
        /// 同意
        Approve = "approve",
        /// 拒绝
        Reject = "reject",
    }
}

string_enum! {
    /// The state of a request.
    JoinRequestState, "unknown_state", "状态只能是 pending、approved、rejected 或 expired" {
        /// 待审核
        Pending = "pending",
        /// 已同意
        Approved = "approved",
        /// 已拒绝
        Rejected = "rejected",
        /// 已过期
        Expired = "expired",
    }
}

/// A request to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Its id.
    pub id: JoinRequestId,
    /// The invitation they came by.
    pub invitation: InvitationId,
    /// The person who asks.
    pub person: PersonId,
    /// Their id inside the mini-program, under which the table knows them. Never shown.
    pub openid: OpenId,
    /// Their name, as they wrote it.
    pub name: PersonName,
    /// Their job title, as they wrote it.
    pub position: Position,
    /// The role they would get.
    pub role: Role,
    /// When they asked.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
    /// The decision, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The member they have become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
}

/// Why a request is not decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// The request has waited too long.
    #[error("the request has expired")]
    Expired,
    /// Another decision was made before.
    #[error("the request is decided")]
    Decided,
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl JoinRequest {
    /// From this time on nobody decides any more.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus_millis(LIFE_MS)
    }

    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> JoinRequestState {
        match self.decision {
            Some(Decision::Approve) => JoinRequestState::Approved,
            Some(Decision::Reject) => JoinRequestState::Rejected,
            None if self.expires_at() <= now => JoinRequestState::Expired,
            None => JoinRequestState::Pending,
        }
    }

    /// Whether the person may not ask again by this invitation: the request waits, or was
    /// rejected.
    pub fn stands_against(&self, invitation: InvitationId, now: Timestamp) -> bool {
        match self.state(now) {
            JoinRequestState::Pending => true,
            JoinRequestState::Rejected => self.invitation == invitation,
            JoinRequestState::Approved | JoinRequestState::Expired => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn request(decision: Option<Decision>) -> JoinRequest {
        JoinRequest {
            id: JoinRequestId::from_uuid(Uuid::nil()),
            invitation: InvitationId::from_uuid(Uuid::nil()),
            person: PersonId::from_uuid(Uuid::nil()),
            openid: OpenId::parse("o").unwrap(),
            name: PersonName::parse("林悦").unwrap(),
            position: Position::default(),
            role: Role::Staff,
            created_at: Timestamp::from_millis(1_795_000_000_000),
            decision,
            member: None,
        }
    }

    #[test]
    fn a_request_waits_a_week_and_a_decision_stays() {
        let end = request(None).expires_at();
        assert_eq!(request(None).state(end.plus_millis(-1)), JoinRequestState::Pending);
        assert_eq!(request(None).state(end), JoinRequestState::Expired);
        assert_eq!(request(Some(Decision::Approve)).state(end), JoinRequestState::Approved);
        assert_eq!(request(Some(Decision::Reject)).state(end), JoinRequestState::Rejected);
    }

    #[test]
    fn a_rejected_person_asks_again_by_another_invitation_only() {
        let (same, other) = (request(None).invitation, InvitationId::from_uuid(Uuid::from_u128(1)));
        let (now, end) = (request(None).created_at, request(None).expires_at());
        for (decision, at, by_same, by_other) in [
            (None, now, true, true),
            (None, end, false, false),
            (Some(Decision::Reject), now, true, false),
            (Some(Decision::Approve), now, false, false),
        ] {
            let request = request(decision);
            assert_eq!((request.stands_against(same, at), request.stands_against(other, at)), (by_same, by_other));
        }
    }
}
