//! A dry run of a rule of automation: whom it would have hit in the last 30 days of the log, as customers are
//! now. It writes nothing of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::automation::{AutomationRule, EventCondition};
use crate::crm::automation_mark::AutomationMark;
use crate::kernel::day::Day;
use crate::kernel::id::PersonId;
use crate::kernel::timestamp::Timestamp;

/// How many days of the log are looked at.
pub const DRY_RUN_DAYS: u32 = 30;
/// Most customers who are listed.
pub const LISTED_MAX: usize = 1_000;
/// Most people whose events are remembered at once, and most events of all of them: what is kept fits into an
/// item.
const PEOPLE_MAX: usize = 3_000;
const MOMENTS_MAX: usize = 10_000;

/// What a dry run is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// The rule as it was then.
    pub rule: AutomationRule,
    /// The first day of the log.
    pub first: Day,
}

/// Somebody whom the rule would have hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunHit {
    /// When first.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub first_at: Timestamp,
    /// How often.
    pub times: u32,
}

/// What is remembered of a person while the log is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PersonTrace {
    #[serde(flatten)]
    mark: AutomationMark,
    /// Whether all but the event is true of them, once that was looked at.
    #[serde(default, rename = "f", skip_serializing_if = "Option::is_none")]
    fits: Option<bool>,
}

/// How far a dry run is, and what it has found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunState {
    /// The version of the job whose step wrote this; 0 before the first.
    pub step: u64,
    /// Days of the log that are behind it.
    pub days: u32,
    /// The page that was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Uuid>,
    /// Whether something was left out for want of room.
    #[serde(default)]
    pub incomplete: bool,
    /// How many customers the rule would have hit.
    #[serde(default)]
    pub customers: u32,
    /// The first of them.
    #[serde(default)]
    pub hits: BTreeMap<PersonId, DryRunHit>,
    /// The customer who was looked at last for a rule about time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_to: Option<PersonId>,
    #[serde(default)]
    traces: BTreeMap<PersonId, PersonTrace>,
    /// The moments of all traces.
    #[serde(default)]
    moments: usize,
}

impl DryRunState {
    /// Takes an event that the rule counts. Returns whether the rule would hit now, if all else is true of the
    /// person; then [`Self::judge`] is to be called.
    pub fn take(&mut self, rule: &AutomationRule, condition: &EventCondition, person: PersonId, at: Timestamp) -> bool {
        let most = usize::from(condition.times);
        let is_full = self.traces.get(&person).is_some_and(|trace| trace.mark.times_ms.len() >= most);
        if !is_full && !self.has_room(person, condition, at) {
            self.incomplete = true;
            return false;
        }
        let trace = self.traces.entry(person).or_default();
        let before = trace.mark.times_ms.len();
        trace.mark.count(condition, at);
        self.moments += trace.mark.times_ms.len() - before;
        trace.mark.is_met(condition) && trace.mark.is_over(rule, at) && trace.fits != Some(false)
    }

    /// Whether all else is true of a person, if that was asked before.
    pub fn fits(&self, person: PersonId) -> Option<bool> {
        self.traces.get(&person).and_then(|trace| trace.fits)
    }

    /// Notes whether all else is true of a person whom the rule would hit at a moment.
    pub fn judge(&mut self, person: PersonId, at: Timestamp, fits: bool) {
        let trace = self.traces.entry(person).or_default();
        trace.fits = Some(fits);
        if !fits {
            self.moments -= trace.mark.times_ms.len();
            trace.mark.times_ms.clear();
            return;
        }
        let is_first = trace.mark.hit_ms.replace(at.millis()).is_none();
        self.customers += u32::from(is_first);
        if is_first && self.hits.len() >= LISTED_MAX {
            return;
        }
        if let Some(hit) = self.hits.get_mut(&person) {
            hit.times += 1;
        } else if is_first {
            self.hits.insert(person, DryRunHit { first_at: at, times: 1 });
        }
    }

    /// Forgets everybody's events: nothing of them is read any more.
    pub fn end(&mut self) {
        self.traces.clear();
        self.moments = 0;
    }

    /// Whether one more event of a person can be remembered, after those were forgotten whose events are too
    /// old to count and whom the rule has not hit.
    fn has_room(&mut self, person: PersonId, condition: &EventCondition, at: Timestamp) -> bool {
        if self.is_full(person) {
            let oldest = at.millis() - condition.within_ms();
            self.traces.retain(|_, trace| {
                trace.mark.hit_ms.is_some() || trace.mark.times_ms.last().is_some_and(|last| *last >= oldest)
            });
            self.moments = self.traces.values().map(|trace| trace.mark.times_ms.len()).sum();
        }
        !self.is_full(person)
    }

    fn is_full(&self, person: PersonId) -> bool {
        let is_new = !self.traces.contains_key(&person);
        (is_new && self.traces.len() >= PEOPLE_MAX) || self.moments >= MOMENTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::automation::{AutomationActions, AutomationCondition};
    use crate::kernel::id::{AutomationRuleId, Id, MemberId};
    use crate::kernel::text::Line;
    use crate::kernel::timestamp::DAY_MS;
    use crate::tracking::event::EventKind;

    const TWICE: EventCondition = EventCondition { kind: EventKind::ViewCard, target: None, times: 2, within_days: 7 };

    fn rule() -> AutomationRule {
        AutomationRule {
            id: AutomationRuleId::from_uuid(Uuid::nil()),
            name: Line::parse("一周看两次名片").unwrap(),
            enabled: false,
            since: day(0),
            by: MemberId::from_uuid(Uuid::nil()),
            condition: AutomationCondition { event: Some(TWICE), ..AutomationCondition::default() },
            actions: AutomationActions { notify_owner: true, ..AutomationActions::default() },
            period_days: 10,
        }
    }

    fn person(n: u128) -> PersonId {
        PersonId::from_uuid(Uuid::from_u128(n))
    }

    fn day(n: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + n * DAY_MS)
    }

    fn take(state: &mut DryRunState, n: u128, at: i64, fits: bool) {
        if state.take(&rule(), &TWICE, person(n), day(at)) {
            state.judge(person(n), day(at), fits);
        }
    }

    #[test]
    fn whom_the_rule_would_have_hit_is_counted_once_with_how_often() {
        let mut state = DryRunState::default();
        for at in [0, 1, 2, 12, 13] {
            take(&mut state, 1, at, true);
            take(&mut state, 2, at, false);
        }
        take(&mut state, 3, 1, true);
        take(&mut state, 3, 9, true);
        let hits: Vec<_> = state.hits.iter().map(|(person, hit)| (*person, hit.first_at, hit.times)).collect();
        assert_eq!((state.customers, hits), (1, vec![(person(1), day(1), 2)]));
        assert_eq!((state.fits(person(1)), state.fits(person(2))), (Some(true), Some(false)));
    }

    #[test]
    fn however_many_people_there_are_it_fits_into_an_item_and_says_what_it_left_out() {
        let mut state = DryRunState::default();
        for n in 0..6_000 {
            take(&mut state, n, 0, true);
            take(&mut state, n, 0, true);
        }
        assert_eq!((state.customers, state.hits.len(), state.incomplete), (3_000, LISTED_MAX, true));
        let size = serde_json::to_vec(&state).unwrap().len();
        assert!(size < 390_000, "{size}");
    }

    #[test]
    fn the_events_of_those_who_are_known_are_bounded_too() {
        let often = EventCondition { times: 20, ..TWICE };
        let mut state = DryRunState::default();
        for _ in 0..19 {
            for n in 0..2_900 {
                assert!(!state.take(&rule(), &often, person(n), day(0)));
            }
        }
        assert!(state.incomplete);
        let size = serde_json::to_vec(&state).unwrap().len();
        assert!(size < 390_000, "{size}");
    }

    #[test]
    fn who_did_it_too_long_ago_makes_room() {
        let mut state = DryRunState::default();
        for n in 0..2_999 {
            take(&mut state, n, 0, true);
        }
        for n in 3_000..5_000 {
            take(&mut state, n, 20, true);
        }
        assert!(!state.incomplete);
    }
}
