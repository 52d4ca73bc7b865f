//! Companies, and the tenant handle.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::kernel::id::{CompanyId, JoinRequestId, MemberId, PersonId};
use crate::kernel::text::{AppId, Line, OpaqueText};
use crate::kernel::timestamp::Timestamp;
use crate::people::member::Role;

/// Permission to touch one company's data.
///
/// Every key of the table is built from one of these, so a query cannot name
/// another company's partition. It is given out in few places (a verified token,
/// an app id or a unionid looked up at login, a message our own ingest wrote), and a structure
/// check keeps the list of those places short.
///
/// The handle of a member's token carries the member as [`Acting`]: the store writes, and reads by
/// key, only if that member may still do what the token says. Two handles of one company are equal,
/// whoever acts.
#[derive(Clone, Copy)]
pub struct Company {
    id: CompanyId,
    acting: Option<Acting>,
}

/// The member who acts, with the rights that their token was signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// The member.
    pub member: MemberId,
    /// The person who is this member.
    pub person: PersonId,
    /// The member's role.
    pub role: Role,
    /// How often the member's rights had changed before.
    pub rights: u32,
}

impl Company {
    /// The handle without a member who acts: of visitors, the platform operator, schedules and
    /// queues, for code that has established the right to it.
    pub fn granted(id: CompanyId) -> Self {
        Self { id, acting: None }
    }

    /// The handle of a member, for code that has verified their token.
    pub fn acting(id: CompanyId, acting: Acting) -> Self {
        Self { id, acting: Some(acting) }
    }

    /// The company's id.
    pub fn id(self) -> CompanyId {
        self.id
    }

    /// The member who acts; `None` for everybody else.
    pub fn actor(self) -> Option<Acting> {
        self.acting
    }
}

impl PartialEq for Company {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Company {}

impl PartialOrd for Company {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Company {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
}

impl Hash for Company {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Company").field(&self.id).finish()
    }
}

/// The company's name as a card shows it.
pub type CompanyName = Line<60>;

/// What is known of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyProfile {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: CompanyName,
    /// Its mini-program.
    pub appid: AppId,
    /// Its WeCom, if the platform operator has set one up; without it notices are off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wecom: Option<WeCom>,
    /// Whether the platform operator has suspended it: its members log in and write no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// When it was created.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
}

/// A company's WeCom application (企业微信). The secret itself is never here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeCom {
    /// The company's id at WeCom.
    pub corp_id: OpaqueText<64>,
    /// Its application that notices come from.
    pub agent_id: u32,
    /// What follows the prefix in the name of the secret; the company's id if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<OpaqueText<64>>,
}

/// A company in which somebody has a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The person they are there.
    pub person: PersonId,
    /// Their membership there.
    pub member: MemberId,
}

/// A person as one company's mini-program knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Their membership, if they have claimed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Their latest request to join, if they have made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_request: Option<JoinRequestId>,
    /// Whether what they do is not recorded, since they wished so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}
