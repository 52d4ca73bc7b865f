//! A recount with sets and loops, for the tests of whatever moves counters.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use crate::counter::{Counts, Period, Scope, Tally};
use crate::day::Day;
use crate::event::{Event, EventKind, Object, Target};
use crate::id::{CardId, Id};
use crate::metrics::{Metrics, ScopeCounts};
use crate::timestamp::{DAY_MS, Timestamp};

const NOW: &str = "2026-11-21T12:00:00+08:00";

pub(crate) fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

pub(crate) fn card(n: u128) -> CardId {
    CardId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn event(kind: EventKind, card: CardId, at: Timestamp) -> Event {
    let duration_ms = (kind == EventKind::Dwell).then_some(1_500);
    let object = Object { target: Target::Card, title: None };
    Event { kind, card, object, share_code: None, at, duration_ms, filtered: None }
}

/// The stored counters of every scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<(Scope, Period), Counts>);

impl Table {
    pub(crate) fn add(&mut self, tally: &Tally) {
        for (scope, period, counts) in tally.changes() {
            for (counter, by) in counts {
                let counts = self.0.entry((scope, period)).or_default();
                *counts.entry(counter).or_default() += by;
                // What is zero again is as if it had never been.
                counts.retain(|_, value| *value != 0);
            }
        }
        self.0.retain(|_, counts| !counts.is_empty());
    }

    pub(crate) fn scope(&self, wanted: Scope) -> ScopeCounts {
        let mut counts = ScopeCounts::default();
        for ((scope, period), values) in &self.0 {
            match period {
                _ if *scope != wanted => {}
                Period::Lifetime => counts.lifetime = values.clone(),
                Period::Day(day) => drop(counts.days.insert(*day, values.clone())),
            }
        }
        counts
    }
}

/// Who did what.
pub(crate) type Visit = (u8, Event);

/// The metrics straight from the events: sets and loops, no counters.
pub(crate) fn recount(visits: &[Visit], wanted: Scope, (from, to): (Option<Day>, Day)) -> Metrics {
    let inside = |at: i64| {
        let day = Day::of(Timestamp::from_millis(at));
        day <= to && from.is_none_or(|from| day >= from)
    };
    let in_scope = |event: &Event| wanted == Scope::Company || wanted == Scope::Card(event.card);
    let mut metrics = Metrics::default();
    let (mut seen, mut talked) = (BTreeSet::new(), BTreeSet::new());
    let (mut saves, mut toggles) = (BTreeMap::new(), BTreeMap::new());
    for (person, event) in visits.iter().filter(|(_, event)| in_scope(event)) {
        let ms = event.at.millis();
        let key = (*person, event.card);
        if event.kind == EventKind::SavePhone {
            saves.entry(key).and_modify(|saved: &mut i64| *saved = ms.min(*saved)).or_insert(ms);
        }
        if matches!(event.kind, EventKind::Like | EventKind::Unlike) {
            let toggle = (ms, event.kind == EventKind::Unlike);
            toggles.entry(key).and_modify(|latest| *latest = toggle.max(*latest)).or_insert(toggle);
        }
        if !inside(ms) {
            continue;
        }
        if event.kind.is_view() {
            metrics.views += 1;
            seen.insert(*person);
        }
        if event.kind == EventKind::OpenChat {
            talked.insert(*person);
        }
        metrics.forwards += i64::from(event.kind == EventKind::Forward);
    }
    metrics.visitors = i64::try_from(seen.len()).unwrap();
    metrics.customers_talked_to = i64::try_from(talked.len()).unwrap();
    metrics.saves = i64::try_from(saves.values().filter(|ms| inside(**ms)).count()).unwrap();
    metrics.likes = i64::try_from(toggles.values().filter(|(ms, off)| !off && inside(*ms)).count()).unwrap();
    metrics
}

pub(crate) fn visits() -> impl Strategy<Value = Vec<Visit>> {
    let kind = prop::sample::select(EventKind::ALL);
    let one = (0u8..4, kind, 1u128..4, 0i64..40 * DAY_MS / 60_000);
    prop::collection::vec(one, 0..80).prop_map(|visits| {
        visits
            .into_iter()
            .map(|(person, kind, on, minutes_ago)| {
                (person, event(kind, card(on), now().plus_millis(-minutes_ago * 60_000)))
            })
            .collect()
    })
}
