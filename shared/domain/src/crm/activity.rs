//! What a person has done lately, as far as the limits ask: actions by day and minute, and how
//! long they stayed.
//!
//! It is the sum of the events that were counted, so it is the same in any order. How many events
//! of a day or minute count does not depend on the order either: as many as the limit allows.
//! Which of them are held back does: those that were delivered last. The log keeps the verdict.

use std::collections::BTreeMap;

use crate::kernel::day::Day;
use crate::kernel::id::CardId;
use crate::kernel::timestamp::{SECOND_MS, Timestamp};
use crate::tracking::event::{Event, EventKind};
use crate::tracking::filter_reason::FilterReason;
use crate::tracking::limits::{DWELL_MS_PER_DAY, DWELL_SLACK_MS, Limit};

/// Days that are remembered, counted from the newest: an event is at most seven days old when it
/// arrives, and may wait in the queue over a midnight.
const DAYS: i32 = 9;
/// Minutes that are remembered, counted from the newest. Older ones are judged within their batch.
const MINUTES: i64 = 5;

/// A minute of the clock, counted from 1970.
type Minute = i64;

/// What was counted of a person's last days and minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    pub(super) days: BTreeMap<Day, DayActivity>,
    pub(super) minutes: BTreeMap<(Minute, CardId, EventKind), u16>,
}

/// A day of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DayActivity {
    /// Actions by kind.
    pub(super) actions: BTreeMap<EventKind, u16>,
    /// When the first of them began, in Unix milliseconds.
    pub(super) began_ms: i64,
    /// When the last of them ended.
    pub(super) ended_ms: i64,
    /// How long they stayed.
    pub(super) dwell_ms: i64,
}

impl Activity {
    /// What all parts of a person have done.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        parts.into_iter().for_each(|part| sum.join(part));
        sum
    }

    /// Gives each event that is beyond a limit its reason.
    pub fn judge(mut self, events: &mut [Event]) {
        for event in events {
            if !event.counts() {
                continue;
            }
            match self.refusal(event) {
                Some(reason) => event.filtered = Some(reason),
                // Without forgetting: a late batch is older than what is remembered.
                None => self.add(event),
            }
        }
    }

    /// When the last action that is remembered ended, in Unix milliseconds.
    pub(super) fn last_ms(&self) -> Option<i64> {
        self.days.values().map(|day| day.ended_ms).max()
    }

    /// The reason why one more event does not count.
    fn refusal(&self, event: &Event) -> Option<FilterReason> {
        let (limit, kind) = (Limit::of(event.kind), event.kind);
        let in_minute = self.minutes.get(&(minute_of(event.at), event.card, kind)).copied().unwrap_or_default();
        if in_minute >= limit.per_minute {
            return Some(FilterReason::Burst);
        }
        let mut day = self.days.get(&Day::of(event.at)).cloned().unwrap_or_else(|| DayActivity::beginning(event));
        if day.actions.get(&kind).is_some_and(|actions| *actions >= limit.per_day) {
            return Some(FilterReason::DailyLimit);
        }
        day.take(event);
        if event.duration_ms.is_none() {
            None
        } else if day.dwell_ms > day.ended_ms - day.began_ms + DWELL_SLACK_MS {
            Some(FilterReason::DwellTime)
        } else {
            (day.dwell_ms > DWELL_MS_PER_DAY).then_some(FilterReason::DailyLimit)
        }
    }

    /// Remembers an event that was counted.
    pub(super) fn take(&mut self, event: &Event) {
        self.add(event);
        self.forget();
    }

    fn add(&mut self, event: &Event) {
        self.days.entry(Day::of(event.at)).or_insert_with(|| DayActivity::beginning(event)).take(event);
        if Limit::of(event.kind).has_minute() {
            *self.minutes.entry((minute_of(event.at), event.card, event.kind)).or_default() += 1;
        }
    }

    /// Adds what another part of the same person has done.
    pub(super) fn join(&mut self, other: &Self) {
        for (day, theirs) in &other.days {
            match self.days.get_mut(day) {
                Some(mine) => mine.join(theirs),
                None => drop(self.days.insert(*day, theirs.clone())),
            }
        }
        for (minute, actions) in &other.minutes {
            *self.minutes.entry(*minute).or_default() += actions;
        }
        self.forget();
    }

    /// By the newest alone, so that it does not depend on the order.
    fn forget(&mut self) {
        if let Some((newest, _)) = self.days.last_key_value() {
            let oldest = newest.plus(1 - DAYS);
            while self.days.first_key_value().is_some_and(|(day, _)| *day < oldest) {
                self.days.pop_first();
            }
        }
        if let Some(((newest, ..), _)) = self.minutes.last_key_value() {
            let oldest = newest + 1 - MINUTES;
            while self.minutes.first_key_value().is_some_and(|((minute, ..), _)| *minute < oldest) {
                self.minutes.pop_first();
            }
        }
    }
}

impl DayActivity {
    fn beginning(event: &Event) -> Self {
        let ms = event.at.millis();
        Self { actions: BTreeMap::new(), began_ms: ms, ended_ms: ms, dwell_ms: 0 }
    }

    fn take(&mut self, event: &Event) {
        let (ended, stayed) = (event.at.millis(), i64::from(event.duration_ms.unwrap_or_default()));
        *self.actions.entry(event.kind).or_default() += 1;
        self.began_ms = self.began_ms.min(ended - stayed);
        self.ended_ms = self.ended_ms.max(ended);
        self.dwell_ms += stayed;
    }

    fn join(&mut self, other: &Self) {
        for (kind, actions) in &other.actions {
            *self.actions.entry(*kind).or_default() += actions;
        }
        self.began_ms = self.began_ms.min(other.began_ms);
        self.ended_ms = self.ended_ms.max(other.ended_ms);
        self.dwell_ms += other.dwell_ms;
    }
}

fn minute_of(at: Timestamp) -> Minute {
    at.millis().div_euclid(60 * SECOND_MS)
}

#[cfg(test)]
#[path = "activity_tests.rs"]
mod tests;
