//! A recount with sets and loops, for the tests of everything that moves counters.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use crate::company::department::DepartmentPath;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DepartmentId, Id};
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::radar::counter::{CounterDeltas, Counts, Period, Scope};
use crate::radar::metrics::{Metrics, ScopeCounts};
use crate::tracking::event::{Event, EventKind, Object, Target};

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

pub(crate) fn department(n: u128) -> DepartmentId {
    DepartmentId::from_uuid(Uuid::from_u128(n))
}

/// Where a card was when something happened: every 36 hours elsewhere. Department 2 is
/// below 1, and 3 stands by itself.
pub(crate) fn path_of(event: &Event) -> DepartmentPath {
    let place = event.card.uuid().as_u128() + u128::try_from(event.at.millis() / (DAY_MS * 3 / 2)).unwrap();
    let path: &[u128] = [&[][..], &[1], &[2, 1], &[3]][usize::try_from(place % 4).unwrap()];
    path.iter().map(|n| department(*n)).collect()
}

/// Every scope that [`visits`] touch.
pub(crate) fn scopes() -> Vec<Scope> {
    let numbers = (1..4).flat_map(|n| [Scope::Card(card(n)), Scope::Department(department(n))]);
    numbers.chain([Scope::Company]).collect()
}

/// Whether something counts in a scope.
pub(crate) fn is_in(event: &Event, scope: Scope) -> bool {
    match scope {
        Scope::Company => true,
        Scope::Card(card) => card == event.card,
        Scope::Department(department) => path_of(event).iter().any(|above| above == department),
    }
}

/// The stored counters of every scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CounterTable(BTreeMap<(Scope, Period), Counts>);

impl CounterTable {
    pub(crate) fn add(&mut self, deltas: &CounterDeltas) {
        for (scope, period, counts) in deltas.changes() {
            for (counter, by) in counts {
                let counts = self.0.entry((scope, period)).or_default();
                *counts.entry(counter).or_default() += by;
                // A counter that is zero again is as if it had never been.
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
pub(crate) type RecordedVisit = (u8, Event);

/// The metrics straight from the events: sets and loops, no counters.
pub(crate) fn recount(visits: &[RecordedVisit], wanted: Scope, (from, to): (Option<Day>, Day)) -> Metrics {
    let inside = |at: i64| {
        let day = Day::of(Timestamp::from_millis(at));
        day <= to && from.is_none_or(|from| day >= from)
    };
    let mut metrics = Metrics::default();
    let (mut seen, mut talked) = (BTreeSet::new(), BTreeSet::new());
    let (mut saves, mut toggles) = (BTreeMap::new(), BTreeMap::new());
    for (person, event) in visits {
        let (ms, here) = (event.at.millis(), is_in(event, wanted));
        let key = (*person, event.card);
        // The first save and the last like or unlike anywhere decide, and count where they were.
        if event.kind == EventKind::SavePhone {
            let save = (ms, here);
            saves.entry(key).and_modify(|saved| *saved = save.min(*saved)).or_insert(save);
        }
        if matches!(event.kind, EventKind::Like | EventKind::Unlike) {
            let toggle = (ms, event.kind == EventKind::Unlike, here);
            toggles.entry(key).and_modify(|latest| *latest = toggle.max(*latest)).or_insert(toggle);
        }
        if !here || !inside(ms) {
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
    metrics.saves = i64::try_from(saves.values().filter(|(ms, here)| *here && inside(*ms)).count()).unwrap();
    metrics.likes =
        i64::try_from(toggles.values().filter(|(ms, off, here)| *here && !off && inside(*ms)).count()).unwrap();
    metrics
}

pub(crate) fn visits() -> impl Strategy<Value = Vec<RecordedVisit>> {
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
