//! Decisions about who is responsible for a customer (负责人), and who helps them (协作人).
//!
//! Without a decision the owner follows from behaviour: the owner of the first card the customer has
//! engaged with. A decision of a member or of a rule overrides that until the next one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crm::viewer::Viewer;
use crate::kernel::id::{CardId, MemberId};
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
        /// 撤销交接
        HandoverUndone = "handover_undone",
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

/// The owner of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerOwner {
    /// The member; `None` for the owner of a card that the directory does not know yet.
    pub member: Option<MemberId>,
    /// The card, when the owner follows from behaviour.
    pub card: Option<CardId>,
}

/// A member whose work is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaver {
    /// The member.
    pub member: MemberId,
    /// Their card, if they have one.
    pub card: Option<CardId>,
}

/// What a member may do with a customer. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustomerRight {
    /// For them there is no such customer.
    None,
    /// They see them as one whom nobody owns.
    Unowned,
    /// They see them.
    View,
    /// They change what is kept of them.
    Edit,
    /// They also decide who collaborates, and give the customer back.
    Own,
}

impl CustomerRight {
    /// What a member may do with a customer of the company: admins and the boss, and the owner all; who has
    /// the card that the customer has visited, and collaborators who may edit, change them; other
    /// collaborators see them, and everybody sees whom nobody owns.
    pub fn of(
        viewer: Viewer,
        owner: Option<CustomerOwner>,
        has_card: bool,
        access: Option<CollaboratorAccess>,
    ) -> Self {
        let owns = |owner: CustomerOwner| match owner.member {
            Some(member) => member == viewer.member,
            None => owner.card.is_some() && owner.card == viewer.card,
        };
        if viewer.admin || owner.is_some_and(owns) {
            return Self::Own;
        }
        match access {
            _ if has_card => Self::Edit,
            Some(CollaboratorAccess::Edit) => Self::Edit,
            Some(CollaboratorAccess::View) => Self::View,
            None if owner.is_none() => Self::Unowned,
            None => Self::None,
        }
    }
}
