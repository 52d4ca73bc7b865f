use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::company::department::DepartmentPath;
use crate::kernel::day::Window;
use crate::radar::counter::Audience;
use crate::radar::metrics::Metrics;
use crate::radar::recount_tests::{
    CounterTable, RecordedVisit, card, department, event, is_in, now, path_of, recount, scopes, visits,
};

proptest! {
    #[test]
    fn every_metric_of_every_window_equals_a_recount_in_any_order(
        (visits, shuffled) in visits().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        batch in 1usize..7,
    ) {
        let mut people: BTreeMap<u8, CustomerState> = BTreeMap::new();
        let mut table = CounterTable::default();
        for chunk in shuffled.chunks(batch) {
            for (person, event) in chunk {
                table.add(&see(people.entry(*person).or_default(), event));
            }
        }
        for scope in scopes() {
            let counts = table.scope(scope);
            for window in Window::ALL {
                let today = Day::of(now());
                prop_assert_eq!(counts.metrics(window, today), recount(&visits, scope, window.days(today)), "{:?} {:?}", scope, window);
                if let Some((from, to)) = window.before(today) {
                    prop_assert_eq!(counts.between(Some(from), to), recount(&visits, scope, (Some(from), to)), "{:?} before {:?}", scope, window);
                }
                let (from, to) = window.days(today);
                prop_assert_eq!(counts.people(from, to, Audience::Shoppers), shoppers(&visits, scope, from, to));
            }
        }
    }

    /// The changes are the difference of the states' contributions, up to the raw counters.
    #[test]
    fn what_a_state_adds_is_what_its_events_have_changed(visits in visits()) {
        let (mut state, mut changed) = (CustomerState::default(), CounterDeltas::default());
        for (_, event) in visits {
            let mut difference = CounterDeltas::default();
            difference.subtract_all(&state.contributions());
            let counted = see(&mut state, &event);
            difference.add_all(&state.contributions());
            prop_assert_eq!(of_people(&difference), of_people(&counted));
            changed.add_all(&counted);
        }
        prop_assert_eq!(of_people(&state.contributions()), of_people(&changed));
    }

    /// In any order, and under either of two identities of one person.
    #[test]
    fn evidence_and_visited_hours_are_those_of_the_events(
        (visits, shuffled) in visits().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
    ) {
        let mut parts = [CustomerState::default(), CustomerState::default()];
        for (person, event) in shuffled {
            see(&mut parts[usize::from(person % 2)], &event);
        }
        let person = CustomerState::union(&parts);
        let (mut on_one, mut hours) = (Evidence::default(), VisitHours::default());
        let mut likes: Vec<_> = Vec::new();
        for (_, event) in &visits {
            hours.see(event.at);
            if event.card == card(1) {
                on_one.take(event);
                likes.extend(matches!(event.kind, EventKind::Like | EventKind::Unlike)
                    .then_some((event.at, event.kind == EventKind::Unlike)));
            }
        }
        if let Some((at, false)) = likes.into_iter().max() {
            on_one.see(Feature::Like, Day::of(at));
        }
        prop_assert_eq!(person.evidence_on(card(1)), on_one);
        prop_assert_eq!(&person.hours, &hours);
        let mut all = Evidence::default();
        (1..4).for_each(|n| all.add_all(&person.evidence_on(card(n))));
        prop_assert_eq!(person.evidence(), all);
    }
}

/// Distinct people with a view of a product, by a set.
fn shoppers(visits: &[RecordedVisit], wanted: Scope, from: Option<Day>, to: Day) -> i64 {
    let inside = |day: Day| day <= to && from.is_none_or(|from| day >= from);
    let shopped = visits.iter().filter(|(_, event)| event.kind == EventKind::ViewProduct && is_in(event, wanted));
    let people: BTreeSet<_> = shopped.filter(|(_, event)| inside(Day::of(event.at))).map(|(by, _)| by).collect();
    i64::try_from(people.len()).unwrap()
}

/// Counts one event where its card was then.
fn see(state: &mut CustomerState, event: &Event) -> CounterDeltas {
    state.apply(SentBy::LoggedIn, std::slice::from_ref(event), &path_of(event)).unwrap()
}

/// The changes of the counters that depend on merges.
fn of_people(deltas: &CounterDeltas) -> Vec<(Scope, Period, Counter, i64)> {
    use Counter::{Customers, Gap, Likes, Newcomers, People, Saves};
    let each = |(scope, period, counts): (Scope, Period, crate::radar::counter::Counts)| {
        counts.into_iter().map(move |(counter, by)| (scope, period, counter, by))
    };
    let of_people =
        |counter: &Counter| matches!(counter, People(_) | Gap(..) | Newcomers(_) | Likes | Saves | Customers);
    deltas.changes().flat_map(each).filter(|(_, _, counter, _)| of_people(counter)).collect()
}

#[test]
fn an_unlike_at_the_same_instant_wins() {
    let on = event(EventKind::Like, card(1), now());
    let off = event(EventKind::Unlike, card(1), now());
    for order in [[&on, &off], [&off, &on]] {
        let mut state = CustomerState::default();
        let mut table = CounterTable::default();
        for event in order {
            table.add(&see(&mut state, event));
        }
        assert_eq!(table.scope(Scope::Company).metrics(Window::Total, Day::of(now())).likes, 0);
    }
}

fn nowhere() -> DepartmentPath {
    DepartmentPath::default()
}

#[test]
fn an_unlike_is_subtracted_from_the_departments_that_counted_the_like() {
    let [first, second] = [1, 2].map(|n| DepartmentPath::from_iter([department(n), department(3)]));
    let like = event(EventKind::Like, card(1), now());
    let unlike = event(EventKind::Unlike, card(1), now().plus_millis(1));
    let mut state = CustomerState::default();
    let mut deltas = state.apply(SentBy::LoggedIn, std::slice::from_ref(&like), &first).unwrap();
    deltas.add_all(&state.apply(SentBy::LoggedIn, &[unlike], &second).unwrap());
    let likes = |deltas: &CounterDeltas| {
        let changes = deltas.changes().filter(|(_, _, counts)| counts.contains_key(&Counter::Likes));
        changes.map(|(scope, ..)| scope).collect::<Vec<_>>()
    };
    assert_eq!(likes(&deltas), []);
    // Two likes of the same instant count once, in the same place whichever comes first.
    let sent_first = |paths: [&DepartmentPath; 2]| {
        let mut state = CustomerState::default();
        let mut deltas = CounterDeltas::default();
        paths.iter().for_each(|path| {
            deltas.add_all(&state.apply(SentBy::LoggedIn, std::slice::from_ref(&like), path).unwrap())
        });
        (likes(&deltas), state)
    };
    assert_eq!(sent_first([&first, &second]), sent_first([&second, &first]));
}

#[test]
fn opened_cards_are_listed_last_first() {
    let mut state = CustomerState::default();
    let visits = [(1, -3), (2, -2), (1, -1)]
        .map(|(n, minutes)| event(EventKind::ViewCard, card(n), now().plus_millis(minutes * 60_000)));
    state.apply(SentBy::LoggedIn, &visits, &nowhere()).unwrap();
    state.apply(SentBy::LoggedIn, &[event(EventKind::Like, card(3), now())], &nowhere()).unwrap();
    let opened: Vec<_> = state.opened_cards().into_iter().map(|(id, history)| (id, history.opened)).collect();
    assert_eq!(opened, [(card(1), 2), (card(2), 1)]);
}

#[test]
fn a_customer_with_too_many_cards_is_rejected() {
    let mut state = CustomerState::default();
    for n in 0..CARDS_MAX as u128 {
        state.apply(SentBy::LoggedIn, &[event(EventKind::ViewCard, card(n), now())], &nowhere()).unwrap();
    }
    let view = |n| [event(EventKind::ViewCard, card(n), now())];
    assert_eq!(state.apply(SentBy::LoggedIn, &view(9_999), &nowhere()), Err(ApplyError::TooManyCards));
    assert!(state.apply(SentBy::LoggedIn, &view(3), &nowhere()).is_ok());
}

#[test]
fn what_is_filtered_changes_no_number_but_its_own() {
    let filtered = |kind, reason| Event { filtered: Some(reason), ..event(kind, card(1), now()) };
    let mut state = CustomerState::default();
    let kinds = EventKind::ALL.iter().map(|kind| filtered(*kind, FilterReason::Own)).collect::<Vec<_>>();
    let mut table = CounterTable::default();
    let path = DepartmentPath::from_iter([department(1)]);
    table.add(&state.apply(SentBy::LoggedIn, &kinds, &path).unwrap());
    table.add(&state.apply(SentBy::LoggedIn, &[filtered(EventKind::ViewCard, FilterReason::Bot)], &path).unwrap());
    for scope in [Scope::Company, Scope::Card(card(1)), Scope::Department(department(1))] {
        let counts = table.scope(scope);
        let today = Day::of(now());
        assert_eq!(counts.metrics(Window::Total, today), Metrics::default());
        let of = |reason| counts.in_window(Window::Last7Days, today, Counter::Filtered(reason));
        assert_eq!((of(FilterReason::Own), of(FilterReason::Bot)), (i64::try_from(kinds.len()).unwrap(), 1));
    }
    // The owner finds the card they have opened themselves in their list; a crawler leaves no
    // trace there.
    assert_eq!(state.opened_cards().iter().map(|(_, history)| history.opened).collect::<Vec<_>>(), [1]);
}

fn customers(deltas: &CounterDeltas) -> i64 {
    let of = deltas.of(Scope::Company).find(|(period, _)| *period == Period::Lifetime);
    of.and_then(|(_, counts)| counts.get(&Counter::Customers).copied()).unwrap_or_default()
}

#[test]
fn who_has_not_logged_in_counts_as_a_visitor_and_is_no_customer_until_they_have() {
    let events: Vec<_> = EventKind::ALL.iter().map(|kind| event(*kind, card(1), now())).collect();
    let (mut anonymous, mut known) = (CustomerState::default(), CustomerState::default());
    let deltas = anonymous.apply(SentBy::Anonymous, &events, &nowhere()).unwrap();
    let mut table = CounterTable::default();
    table.add(&deltas);
    let today = table.scope(Scope::Company).metrics(Window::Total, Day::of(now()));
    assert_eq!((today.visitors, today.saves, today.customers_talked_to), (1, 1, 1));
    assert_eq!((customers(&deltas), customers(&anonymous.contributions())), (0, 0));
    assert!(anonymous.evidence().is_empty() && anonymous.evidence_on(card(1)).is_empty());
    // The login, before anything else is done.
    let person = CustomerState::union([&known, &anonymous]);
    assert_eq!(customers(&person.contributions()), 1);
    known.apply(SentBy::LoggedIn, &events, &nowhere()).unwrap();
    assert_eq!(person.evidence_on(card(1)), known.evidence_on(card(1)), "their past is evidence now");
    let both = CustomerState::union([&anonymous, &known]);
    assert_eq!(customers(&both.contributions()), 1, "one person");
}
