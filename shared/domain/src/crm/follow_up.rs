//! Follow-ups (跟进): what members did about a customer, and how many count where.

use serde::{Deserialize, Serialize};

use crate::company::department::DepartmentPath;
use crate::crm::command::CustomerError;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, FollowUpId, MemberId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::Paragraph;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::{Counter, CounterDeltas, Scope};

/// Most follow-ups of one identity.
pub const FOLLOW_UPS_MAX: usize = 1_000;

string_enum! {
    /// How a customer was followed up.
    FollowUpKind, "unknown_kind", "跟进方式只有 call、visit、message 和 other" {
        /// 电话
        Call = "call",
        /// 拜访
        Visit = "visit",
        /// 消息
        Message = "message",
        /// 其他
        Other = "other",
    }
}

string_enum! {
    /// What came of a follow-up.
    FollowUpOutcome, "unknown_outcome", "跟进结果只有 reached、not_reached、interested、not_interested 和 postponed" {
        /// 已联系
        Reached = "reached",
        /// 未联系上
        NotReached = "not_reached",
        /// 有意向
        Interested = "interested",
        /// 无意向
        NotInterested = "not_interested",
        /// 改期
        Postponed = "postponed",
    }
}

/// What a member writes about a follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpText {
    /// How it was done.
    pub kind: FollowUpKind,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<FollowUpOutcome>,
    /// The note.
    pub note: Paragraph<2_000>,
}

/// A follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Its id, which orders the timeline.
    pub id: FollowUpId,
    /// When it was recorded.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who recorded it.
    pub by: MemberId,
    /// Where it counts.
    #[serde(flatten)]
    pub place: FollowUpPlace,
    /// What it says.
    #[serde(flatten)]
    pub text: FollowUpText,
}

/// The card of the member and its departments at that moment: there a follow-up counts for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FollowUpPlace {
    /// The card; none of a member without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The departments.
    #[serde(default, skip_serializing_if = "DepartmentPath::is_empty")]
    pub departments: DepartmentPath,
}

/// The times and places of an identity's follow-ups, from which their counters follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpLog {
    #[serde(rename = "p")]
    places: Vec<FollowUpPlace>,
    /// Unix milliseconds, and which of the places; in this order.
    #[serde(rename = "t")]
    times: Vec<(i64, usize)>,
}

impl FollowUpText {
    /// A text that says something.
    ///
    /// # Errors
    /// `required` at `/note` with neither a note nor an outcome.
    pub fn check(self) -> Result<Self, FieldError> {
        let empty = self.note.as_str().is_empty() && self.outcome.is_none();
        if empty {
            Err(FieldError::new("required", "请填写跟进内容或跟进结果").at("/note"))
        } else {
            Ok(self)
        }
    }
}

impl FollowUpLog {
    /// Whether there is no follow-up.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The number of follow-ups.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// When the last one was recorded.
    pub fn last(&self) -> Option<Timestamp> {
        self.times.last().map(|(ms, _)| Timestamp::from_millis(*ms))
    }

    /// Adds a follow-up.
    ///
    /// # Errors
    /// [`CustomerError::LimitReached`] after [`FOLLOW_UPS_MAX`].
    pub fn add(&mut self, at: Timestamp, place: &FollowUpPlace) -> Result<(), CustomerError> {
        if self.len() >= FOLLOW_UPS_MAX {
            return Err(CustomerError::LimitReached("该客户的跟进记录已达上限：最多 1000 条"));
        }
        let known = self.places.iter().position(|known| known == place);
        let place = known.unwrap_or_else(|| {
            self.places.push(place.clone());
            self.places.len() - 1
        });
        self.times.push((at.millis(), place));
        self.times.sort_unstable();
        Ok(())
    }

    /// What the follow-ups add to the counters.
    pub fn contributions(&self) -> CounterDeltas {
        let mut deltas = CounterDeltas::default();
        for (ms, place) in &self.times {
            let Some(place) = self.places.get(*place) else { continue };
            deltas.add_all(&place.counts_once(Timestamp::from_millis(*ms)));
        }
        deltas
    }
}

impl FollowUpPlace {
    /// The counters of one follow-up.
    pub fn counts_once(&self, at: Timestamp) -> CounterDeltas {
        let mut deltas = CounterDeltas::default();
        let departments = self.departments.iter().map(Scope::Department);
        for scope in self.card.map(Scope::Card).into_iter().chain([Scope::Company]).chain(departments) {
            deltas.add_on(scope, Day::of(at), Counter::FollowUps, 1);
        }
        deltas
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::{DepartmentId, Id};
    use crate::radar::counter::Period;

    fn place(n: u128) -> FollowUpPlace {
        let card = (n > 0).then(|| CardId::from_uuid(Uuid::from_u128(n)));
        FollowUpPlace { card, departments: (0..n % 3).map(|d| DepartmentId::from_uuid(Uuid::from_u128(d))).collect() }
    }

    #[test]
    fn a_follow_up_says_something() {
        let text = |note: &str, outcome| FollowUpText {
            kind: FollowUpKind::Call,
            outcome,
            note: Paragraph::parse(note).unwrap(),
        };
        assert!(text("", None).check().is_err());
        assert!(text("约了周三", None).check().is_ok());
        assert!(text("", Some(FollowUpOutcome::NotReached)).check().is_ok());
    }

    #[test]
    fn there_are_at_most_a_thousand() {
        let mut log = FollowUpLog::default();
        (0..1_000).for_each(|ms| log.add(Timestamp::from_millis(ms), &place(1)).unwrap());
        assert!(log.add(Timestamp::from_millis(5), &place(1)).is_err());
        let bytes = serde_json::to_string(&log).unwrap().len();
        assert!(bytes < 20_000, "{bytes}");
    }

    proptest! {
        #[test]
        fn the_counters_are_the_sum_of_what_each_adds(all in prop::collection::vec((0_i64..400_000_000, 0_u128..4), 0..20)) {
            let (mut log, mut sum) = (FollowUpLog::default(), CounterDeltas::default());
            for (ms, at) in &all {
                log.add(Timestamp::from_millis(*ms), &place(*at)).unwrap();
                sum.add_all(&place(*at).counts_once(Timestamp::from_millis(*ms)));
            }
            prop_assert_eq!(log.contributions(), sum.clone());
            let company = sum.of(Scope::Company).find(|(period, _)| *period == Period::Lifetime);
            prop_assert_eq!(company.map_or(0, |(_, counts)| counts[&Counter::FollowUps]), i64::try_from(all.len()).unwrap());
            prop_assert_eq!(log.last().map(Timestamp::millis), all.iter().map(|(ms, _)| *ms).max());
        }
    }
}
