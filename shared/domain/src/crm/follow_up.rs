//! Follow-ups (跟进): what members did about a customer, and how many count where.

use serde::{Deserialize, Serialize};

use crate::company::department::DepartmentPath;
use crate::crm::command::CustomerError;
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, FollowUpId, MemberId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::Paragraph;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::radar::counter::{Counter, CounterDeltas, Scope};

/// Most follow-ups of one identity, deleted ones included.
pub const FOLLOW_UPS_MAX: usize = 1_000;
/// Most edits of a follow-up.
const EDITS_MAX: usize = 20;
/// How far ahead a follow-up can be planned, in days.
const AHEAD_DAYS_MAX: i64 = 366;

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
    /// The version that was read; 0 of one that is not stored yet.
    pub version: u64,
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
    /// What it said before it was edited, the first text first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<FollowUpEdit>,
    /// Who deleted it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<FollowUpDeletion>,
}

/// A text that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpEdit {
    /// When it was replaced.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// Who replaced it.
    pub by: MemberId,
    /// What it said until then.
    #[serde(flatten)]
    pub text: FollowUpText,
}

/// Who deleted a follow-up. It is kept, and counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpDeletion {
    /// When.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member.
    pub by: MemberId,
}

/// When a member wants to follow up next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NextFollowUp {
    /// When it was planned; of two plans the later one counts.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub set_at: Timestamp,
    /// The moment to follow up.
    #[serde(rename = "a", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who will.
    #[serde(rename = "b")]
    pub by: MemberId,
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
    /// How many were deleted: they are kept, and so count against the limit.
    #[serde(rename = "d", default)]
    deleted: usize,
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

impl FollowUp {
    /// Whether a member may edit and delete it: who recorded it, admins and the boss.
    pub fn may_be_changed_by(&self, viewer: Viewer) -> bool {
        viewer.admin || viewer.member == self.by
    }

    /// Replaces the text. Returns whether that changes anything.
    ///
    /// # Errors
    /// [`CustomerError::LimitReached`] after 20 edits.
    pub fn edit(&mut self, text: FollowUpText, by: MemberId, now: Timestamp) -> Result<bool, CustomerError> {
        if self.text == text {
            return Ok(false);
        }
        if self.edits.len() >= EDITS_MAX {
            return Err(CustomerError::LimitReached("该跟进记录的修改次数已达上限：最多 20 次"));
        }
        let before = std::mem::replace(&mut self.text, text);
        self.edits.push(FollowUpEdit { at: now, by, text: before });
        Ok(true)
    }
}

impl NextFollowUp {
    /// A plan that `by` makes now.
    ///
    /// # Errors
    /// `out_of_range` for a moment that is past, or more than a year ahead.
    pub fn new(at: Timestamp, by: MemberId, now: Timestamp) -> Result<Self, FieldError> {
        let latest = now.plus_millis(AHEAD_DAYS_MAX * DAY_MS);
        let refused = || FieldError::new("out_of_range", "下次跟进时间应在现在之后、一年以内");
        (now <= at && at <= latest).then_some(Self { set_at: now, at, by }).ok_or_else(refused)
    }
}

impl FollowUpLog {
    /// Whether there was never a follow-up.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty() && self.deleted == 0
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
        if self.len() + self.deleted >= FOLLOW_UPS_MAX {
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

    /// Removes a follow-up. Returns whether it was there.
    pub fn remove(&mut self, at: Timestamp, place: &FollowUpPlace) -> bool {
        let is_it = |(ms, of): &(i64, usize)| *ms == at.millis() && self.places.get(*of) == Some(place);
        let found = self.times.iter().position(is_it);
        self.deleted += usize::from(found.is_some());
        found.map(|position| self.times.remove(position)).is_some()
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

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + ms)
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
        (0..1_000).for_each(|ms| log.add(at(ms), &place(1)).unwrap());
        assert!(log.add(at(5), &place(1)).is_err());
        let bytes = serde_json::to_string(&log).unwrap().len();
        assert!(bytes < 20_000, "{bytes}");
    }

    #[test]
    fn what_is_removed_counts_no_more() {
        let mut log = FollowUpLog::default();
        log.add(at(5), &place(1)).unwrap();
        log.add(at(5), &place(2)).unwrap();
        assert!(!log.remove(at(6), &place(1)) && !log.remove(at(5), &place(3)));
        assert!(log.remove(at(5), &place(1)) && !log.remove(at(5), &place(1)));
        assert_eq!(log.contributions(), place(2).counts_once(at(5)));
        // What was deleted is kept, and counts against the limit.
        (0..998).for_each(|ms| log.add(at(ms), &place(1)).unwrap());
        assert!(log.add(at(5), &place(1)).is_err() && log.len() == 999);
    }

    #[test]
    fn a_plan_lies_in_the_year_to_come() {
        let (now, by) = (Timestamp::from_millis(1_795_000_000_000), MemberId::from_uuid(Uuid::nil()));
        for (ms, allowed) in [(-1, false), (0, true), (366 * DAY_MS, true), (366 * DAY_MS + 1, false)] {
            assert_eq!(NextFollowUp::new(now.plus_millis(ms), by, now).is_ok(), allowed, "{ms}");
        }
    }

    proptest! {
        #[test]
        fn the_counters_are_the_sum_of_what_each_adds(all in prop::collection::vec((1_795_000_000_000_i64..1_795_400_000_000, 0_u128..4), 0..20)) {
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
