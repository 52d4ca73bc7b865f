//! The days on which a person was seen in one scope, by audience.

use serde::Deserialize;

use crate::kernel::day::Day;
use crate::radar::counter::{Audience, CounterDeltas, Scope};
use crate::radar::seen_days::{SeenDays, TooOld};
use crate::tracking::event::EventKind;

/// The days on which a person was seen in one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ActiveDays {
    /// Days with a view.
    #[serde(default, rename = "v")]
    pub viewed: SeenDays,
    /// Days with an opened chat.
    #[serde(default, rename = "t")]
    pub talked: SeenDays,
    /// Days with a view of a product.
    #[serde(default, rename = "m")]
    pub shopped: SeenDays,
    /// Whether anything of theirs was counted, or they were added.
    #[serde(skip)]
    pub met: bool,
}

impl ActiveDays {
    /// Counts an event.
    pub(super) fn see(
        &mut self,
        kind: EventKind,
        day: Day,
        scope: Scope,
        deltas: &mut CounterDeltas,
    ) -> Result<(), TooOld> {
        for (audience, days) in self.audiences_mut() {
            if audience.is_joined_by(kind) {
                for change in days.see(day)? {
                    deltas.add_gap_change(scope, audience, change);
                }
            }
        }
        Ok(())
    }

    /// Adds what the days add to the counters.
    pub(super) fn add_to(&self, deltas: &mut CounterDeltas, scope: Scope) {
        for (audience, days) in self.audiences() {
            for change in days.contributions() {
                deltas.add_gap_change(scope, audience, change);
            }
        }
    }

    /// Adds the days of another part of the person.
    pub(super) fn join(&mut self, other: &Self) {
        for ((_, mine), (_, theirs)) in self.audiences_mut().into_iter().zip(other.audiences()) {
            mine.join(theirs);
        }
        self.met |= other.met;
    }

    /// The first day on which they were seen.
    pub fn first(&self) -> Option<Day> {
        self.audiences().into_iter().filter_map(|(_, days)| days.first()).min()
    }

    /// The days by audience.
    pub(super) fn audiences(&self) -> [(Audience, &SeenDays); 3] {
        let Self { viewed, talked, shopped, .. } = self;
        [(Audience::Visitors, viewed), (Audience::ChatStarters, talked), (Audience::Shoppers, shopped)]
    }

    fn audiences_mut(&mut self) -> [(Audience, &mut SeenDays); 3] {
        let Self { viewed, talked, shopped, .. } = self;
        [(Audience::Visitors, viewed), (Audience::ChatStarters, talked), (Audience::Shoppers, shopped)]
    }
}
