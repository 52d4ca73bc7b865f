//! The samples that a retraining learns from: each customer at the end of the last day they were
//! there before their first deal, or at all, by the event log. The stored state of a customer
//! would not do: it forgets.
//!
//! Customers with a deal and customers without are read in the same way. If the others were read
//! today, most would have gone quiet since, and every deal would seem to come from fresh
//! evidence.

use std::collections::{BTreeMap, BTreeSet};

use crate::close_rate::evidence::{Evidence, Feature, WholeEvidence};
use crate::close_rate::retrain::Sample;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, PersonId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::aggregate::Segment;
use crate::tracking::event::{Event, EventKind};

/// What each identity has done, as far as the log was read; in any order.
#[derive(Debug, Clone, Default)]
pub struct Histories(BTreeMap<PersonId, History>);

#[derive(Debug, Clone, Default)]
struct History {
    /// All but the likes.
    evidence: WholeEvidence,
    /// When they liked a card (`false`) or took the like back (`true`), in Unix milliseconds.
    toggles: BTreeSet<(CardId, i64, bool)>,
}

impl Histories {
    /// Adds a segment of the log. Events that are not counted are no evidence.
    pub fn add(&mut self, segment: &Segment) {
        for event in segment.events.iter().filter(|event| event.counts()) {
            self.0.entry(segment.key.person).or_default().take(event);
        }
    }

    /// The identities that have done something.
    pub fn people(&self) -> impl Iterator<Item = PersonId> {
        self.0.keys().copied()
    }

    /// The sample of a person with these identities, who closed their first deal on that day, if
    /// ever. `None` for a person who has done nothing.
    pub fn sample(&self, identities: &BTreeSet<PersonId>, closed_on: Option<Day>, today: Day) -> Option<Sample> {
        let customer = *identities.first()?;
        // Events that come with a deal would predict it.
        let until = closed_on.map_or(today, |day| day.plus(-1).min(today));
        let parts = || identities.iter().filter_map(|identity| self.0.get(identity));
        parts().next()?;
        let mut evidence = Evidence::default();
        for part in parts() {
            evidence.add_all(&part.evidence.until(until));
        }
        let mut toggles: BTreeMap<CardId, (i64, bool)> = BTreeMap::new();
        for (card, ms, off) in parts().flat_map(|part| &part.toggles) {
            if day_of(*ms) <= until {
                let latest = toggles.entry(*card).or_insert((*ms, *off));
                *latest = (*latest).max((*ms, *off));
            }
        }
        for (ms, _) in toggles.into_values().filter(|(_, off)| !off) {
            evidence.see(Feature::Like, day_of(ms));
        }
        Some(Sample {
            customer,
            closed: closed_on.is_some(),
            evidence: evidence.on(evidence.newest().unwrap_or(until)),
        })
    }
}

impl History {
    fn take(&mut self, event: &Event) {
        self.evidence.take(event);
        if let EventKind::Like | EventKind::Unlike = event.kind {
            self.toggles.insert((event.card, event.at.millis(), event.kind == EventKind::Unlike));
        }
    }
}

fn day_of(ms: i64) -> Day {
    Day::of(Timestamp::from_millis(ms))
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
