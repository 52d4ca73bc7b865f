//! Decisions about who is responsible for a customer (负责人), and who helps them (协作人).
//!
//! Without a decision the owner follows from behaviour: the owner of the first card the customer has
//! engaged with. A decision of a member or of a rule overrides that until the next one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::id::MemberId;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::Timestamp;

/// Most collaborators of a customer.
pub const COLLABORATORS_MAX: usize = 20;

string_enum! {
    /// Why somebody owns a customer, or nobody does any more.
    OwnershipReason, "unknown_reason", "没有这种归属变更" {
        /// 领取
        Claimed = "claimed",
        /// 分配
        Assigned = "assigned",
        /// 退回公海
        Returned = "returned",
        /// 自动回收
        Recycled = "recycled",
        /// 离职交接
        HandedOver = "handed_over",
    }
}

string_enum! {
    /// What a collaborator may do.
    CollaboratorAccess, "unknown_access", "协作权限只有 view 和 edit" {
        /// 查看
        View = "view",
        /// 编辑
        Edit = "edit",
    }
}

/// A decision about who owns a customer. Of two the later one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ownership {
    /// When it was made.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who made it; `None` for a rule.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub by: Option<MemberId>,
    /// The owner since; `None` for nobody.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<MemberId>,
    /// Why.
    #[serde(rename = "r")]
    pub reason: OwnershipReason,
}

/// How a member collaborates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollaboratorMark {
    /// Since when.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who added them.
    #[serde(rename = "b")]
    pub by: MemberId,
    /// What they may do.
    #[serde(rename = "a")]
    pub access: CollaboratorAccess,
}

/// The collaborators of a customer.
pub type Collaborators = BTreeMap<MemberId, CollaboratorMark>;
