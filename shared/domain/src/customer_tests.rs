use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::counter::{Counts, Period};
use crate::day::Window;
use crate::event::{Object, Target};
use crate::id::Id;
use crate::metrics::{Metrics, ScopeCounts};
use crate::timestamp::DAY_MS;

const NOW: &str = "2026-11-21T12:00:00+08:00";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

fn card(n: u128) -> CardId {
    CardId::from_uuid(Uuid::from_u128(n))
}

fn event(kind: EventKind, card: CardId, at: Timestamp) -> Event {
    let duration_ms = (kind == EventKind::Dwell).then_some(1_500);
    Event {
        kind,
        card,
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at,
        duration_ms,
        filtered: None,
    }
}

/// The stored counters of every scope.
#[derive(Default)]
struct Table(BTreeMap<(Scope, Period), Counts>);

impl Table {
    fn add(&mut self, tally: &Tally) {
        for (scope, period, counts) in tally.changes() {
            for (counter, by) in counts {
                *self.0.entry((scope, period)).or_default().entry(counter).or_default() += by;
            }
        }
    }

    fn scope(&self, wanted: Scope) -> ScopeCounts {
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

type Visit = (u8, Event);

/// The metrics straight from the events: sets and loops, no counters.
fn recount(visits: &[Visit], wanted: Scope, (from, to): (Option<Day>, Day)) -> Metrics {
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

fn visits() -> impl Strategy<Value = Vec<Visit>> {
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

proptest! {
    #[test]
    fn every_metric_of_every_window_equals_a_recount_in_any_order(
        (visits, shuffled) in visits().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        batch in 1usize..7,
    ) {
        let mut people: BTreeMap<u8, CustomerState> = BTreeMap::new();
        let mut table = Table::default();
        for chunk in shuffled.chunks(batch) {
            for (person, event) in chunk {
                table.add(&people.entry(*person).or_default().apply(std::slice::from_ref(event)).unwrap());
            }
        }
        for scope in [Scope::Company, Scope::Card(card(1)), Scope::Card(card(2)), Scope::Card(card(3))] {
            let counts = table.scope(scope);
            for window in Window::ALL {
                let today = Day::of(now());
                prop_assert_eq!(counts.metrics(window, today), recount(&visits, scope, window.days(today)), "{:?} {:?}", scope, window);
                if let Some((from, to)) = window.before(today) {
                    prop_assert_eq!(counts.between(Some(from), to), recount(&visits, scope, (Some(from), to)), "{:?} before {:?}", scope, window);
                }
            }
        }
    }

    #[test]
    fn the_stored_state_reads_back(visits in visits()) {
        let mut state = CustomerState::default();
        let events: Vec<_> = visits.into_iter().map(|(_, event)| event).collect();
        state.apply(&events).unwrap();
        let json = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<CustomerState>(&json).unwrap(), state);
    }
}

#[test]
fn an_unlike_at_the_same_instant_wins() {
    let on = event(EventKind::Like, card(1), now());
    let off = event(EventKind::Unlike, card(1), now());
    for order in [[&on, &off], [&off, &on]] {
        let mut state = CustomerState::default();
        let mut table = Table::default();
        for event in order {
            table.add(&state.apply(std::slice::from_ref(event)).unwrap());
        }
        assert_eq!(table.scope(Scope::Company).metrics(Window::Total, Day::of(now())).likes, 0);
    }
}

#[test]
fn opened_cards_are_listed_last_first() {
    let mut state = CustomerState::default();
    let visits = [(1, -3), (2, -2), (1, -1)]
        .map(|(n, minutes)| event(EventKind::ViewCard, card(n), now().plus_millis(minutes * 60_000)));
    state.apply(&visits).unwrap();
    state.apply(&[event(EventKind::Like, card(3), now())]).unwrap();
    let opened: Vec<_> = state.opened_cards().into_iter().map(|(id, history)| (id, history.opened)).collect();
    assert_eq!(opened, [(card(1), 2), (card(2), 1)]);
}

#[test]
fn a_customer_with_too_many_cards_is_refused() {
    let mut state = CustomerState::default();
    for n in 0..CARDS_MAX as u128 {
        state.apply(&[event(EventKind::ViewCard, card(n), now())]).unwrap();
    }
    assert_eq!(state.apply(&[event(EventKind::ViewCard, card(9_999), now())]), Err(ApplyError::TooManyCards));
    assert!(state.apply(&[event(EventKind::ViewCard, card(3), now())]).is_ok());
}

#[test]
fn what_is_filtered_changes_no_number_but_its_own() {
    let filtered = |kind, reason| Event { filtered: Some(reason), ..event(kind, card(1), now()) };
    let mut state = CustomerState::default();
    let kinds = EventKind::ALL.iter().map(|kind| filtered(*kind, FilterReason::Own)).collect::<Vec<_>>();
    let mut table = Table::default();
    table.add(&state.apply(&kinds).unwrap());
    table.add(&state.apply(&[filtered(EventKind::ViewCard, FilterReason::Bot)]).unwrap());
    for scope in [Scope::Company, Scope::Card(card(1))] {
        let counts = table.scope(scope);
        let today = Day::of(now());
        assert_eq!(counts.metrics(Window::Total, today), Metrics::default());
        let of = |reason| counts.in_window(Window::Last7Days, today, Counter::Filtered(reason));
        assert_eq!((of(FilterReason::Own), of(FilterReason::Bot)), (i64::try_from(kinds.len()).unwrap(), 1));
    }
    // He finds the card he has opened himself in his list; a crawler leaves no trace there.
    assert_eq!(state.opened_cards().iter().map(|(_, history)| history.opened).collect::<Vec<_>>(), [1]);
}
