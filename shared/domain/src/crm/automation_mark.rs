//! What is kept of a customer for the rules of automation: when they did what a rule counts, and when it
//! hit them last.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::automation::{AutomationRule, EventCondition};
use crate::kernel::id::AutomationRuleId;
use crate::kernel::timestamp::Timestamp;

/// What is kept of an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationMarks {
    /// The page of the feed whose events were counted last; those of earlier pages count no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Uuid>,
    /// Of each rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<AutomationRuleId, AutomationMark>,
}

/// What is kept for a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationMark {
    /// When they did what the rule counts, in order: the latest times alone.
    #[serde(default, rename = "t", skip_serializing_if = "Vec::is_empty")]
    pub times_ms: Vec<i64>,
    /// When it hit them last.
    #[serde(default, rename = "h", skip_serializing_if = "Option::is_none")]
    pub hit_ms: Option<i64>,
}

impl AutomationMarks {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AutomationMark {
    /// Counts an event.
    pub fn count(&mut self, condition: &EventCondition, at: Timestamp) {
        let place = self.times_ms.partition_point(|ms| *ms <= at.millis());
        self.times_ms.insert(place, at.millis());
        self.trim(condition);
    }

    /// What both of two identities have done.
    pub fn join(&mut self, other: &Self, condition: Option<&EventCondition>) {
        self.times_ms.extend(&other.times_ms);
        self.times_ms.sort_unstable();
        condition.into_iter().for_each(|condition| self.trim(condition));
        self.hit_ms = self.hit_ms.max(other.hit_ms);
    }

    /// Forgets what was done before a rule counts.
    pub fn forget_before(&mut self, since: Timestamp) {
        self.times_ms.retain(|ms| *ms >= since.millis());
    }

    /// Keeps the latest events, as many as the rule counts.
    fn trim(&mut self, condition: &EventCondition) {
        let most = usize::from(condition.times);
        self.times_ms.drain(..self.times_ms.len().saturating_sub(most));
    }

    /// Whether the events are enough.
    pub fn is_met(&self, condition: &EventCondition) -> bool {
        let span = self.times_ms.last().zip(self.times_ms.first()).map(|(last, first)| last - first);
        self.times_ms.len() >= usize::from(condition.times) && span.is_some_and(|span| span <= condition.within_ms())
    }

    /// Whether the rule may hit again.
    pub fn is_over(&self, rule: &AutomationRule, at: Timestamp) -> bool {
        self.hit_ms.is_none_or(|hit| at.millis() - hit >= rule.period_ms())
    }
}
