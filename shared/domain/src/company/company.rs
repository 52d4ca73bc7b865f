//! Companies, and the tenant handle.

use serde::{Deserialize, Serialize};

use crate::kernel::id::{CompanyId, JoinRequestId, MemberId, PersonId};
use crate::kernel::text::{AppId, Line, OpaqueText};
use crate::kernel::timestamp::Timestamp;

/// Permission to touch one company's data.
///
/// Every key of the table is built from one of these, so a query cannot name
/// another company's partition. It is given out in few places (a verified token,
/// an app id or a unionid looked up at login, a message our own ingest wrote), and a structure
/// check keeps the list of those places short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Company(CompanyId);

impl Company {
    /// The handle, for code that has established the right to it.
    pub fn granted(id: CompanyId) -> Self {
        Self(id)
    }

    /// The company's id.
    pub fn id(self) -> CompanyId {
        self.0
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
}
