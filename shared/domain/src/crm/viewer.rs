//! The member who looks at customers.

use crate::kernel::id::{CardId, MemberId};

/// A member who looks at customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The member.
    pub member: MemberId,
    /// Their card, if they have one.
    pub card: Option<CardId>,
    /// Whether they are an admin or the boss.
    pub admin: bool,
}
