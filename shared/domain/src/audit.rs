//! The audit log: who changed what of somebody else's, from what, to what.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::MemberId;
use crate::timestamp::Timestamp;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A member was added (成员添加).
    MemberAdded,
    /// A member's status was changed (成员状态).
    MemberStatus,
    /// A member's role was changed (成员角色).
    MemberRole,
    /// Name, position or company on a card was changed (名片身份).
    CardIdentity,
    /// The contact fields of a card were changed by somebody else (名片资料).
    CardContact,
    /// Avatar, photos or video of a card were changed by somebody else (名片图片、视频).
    CardMedia,
    /// The card template was changed (名片模板).
    CardTemplate,
    /// The number of seats was changed (席位).
    Seats,
}

/// A change, as whoever makes it tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditChange {
    /// What was done.
    pub action: AuditAction,
    /// Id of the thing that was changed.
    pub target: String,
    /// What it was before; empty for something new.
    pub from: String,
    /// What it is now.
    pub to: String,
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "id")]
pub enum AuditActor {
    /// A member of the company.
    Member(MemberId),
    /// The platform operator.
    Operator,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// A UUIDv7 of the moment: orders the log.
    pub id: Uuid,
    /// When.
    #[serde(with = "crate::timestamp::as_millis")]
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub action: AuditAction,
    /// Id of the thing that was changed.
    pub target: String,
    /// What it was before; empty for something new.
    pub from: String,
    /// What it is now.
    pub to: String,
}

impl AuditEntry {
    /// The entry of a change that `actor` makes now.
    pub fn new(id: Uuid, at: Timestamp, actor: AuditActor, change: AuditChange) -> Self {
        let AuditChange { action, target, from, to } = change;
        Self { id, at, actor, action, target, from, to }
    }
}
