//! The story of a customer: what the company's people did about them, entry by entry.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::profile::ProfileField;
use crate::kernel::day::Day;
use crate::kernel::id::{MemberId, TagId};
use crate::kernel::money::Fen;
use crate::kernel::timestamp::Timestamp;

/// An entry; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its id, which orders the timeline.
    pub id: Uuid,
    /// When it happened.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who did it.
    pub by: MemberId,
    /// What they did.
    pub change: CustomerChange,
}

/// What a member did about a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerChange {
    /// They filled in these fields.
    Profile(Vec<ProfileField>),
    /// They planned a follow-up for this moment.
    NextFollowUp(#[serde(with = "crate::kernel::timestamp::as_millis")] Timestamp),
    /// They removed the plan.
    NoNextFollowUp,
    /// They gave and took these tags.
    Tags {
        /// Those that the customer has since.
        added: Vec<TagId>,
        /// Those that they have no more.
        removed: Vec<TagId>,
    },
    /// They set what is expected: this is in force since.
    Expectation {
        /// The day.
        expected_on: Option<Day>,
        /// The amount.
        amount_fen: Option<Fen>,
    },
}
