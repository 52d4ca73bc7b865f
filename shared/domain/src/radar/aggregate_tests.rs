use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::crm::identity_group::MergeEdge;
use crate::crm::merge::{Merge, MergeReason};
use crate::kernel::id::{CompanyId, DepartmentId, Id, MergeId};
use crate::kernel::timestamp::DAY_MS;
use crate::tracking::event::{EventKind, Object, Target};

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

fn batch(person: u128, number: u128, events: &[(u128, EventKind, i64)]) -> AcceptedBatch {
    let event = |(card, kind, days_ago): &(u128, EventKind, i64)| Event {
        kind: *kind,
        card: CardId::from_uuid(Uuid::from_u128(*card)),
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at: now().plus_millis(-days_ago * DAY_MS),
        duration_ms: None,
        filtered: None,
    };
    AcceptedBatch {
        v: 1,
        company: CompanyId::from_uuid(Uuid::from_u128(1)),
        person: PersonId::from_uuid(Uuid::from_u128(person)),
        batch: BatchId::from_uuid(Uuid::from_u128(number)),
        fingerprint: String::new(),
        received_at: now(),
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        events: events.iter().map(event).collect(),
    }
}

fn actions(plan: &AggregationPlan) -> usize {
    plan.segments.len() + plan.customers.len() + plan.unchanged.len() + plan.deltas.changes().count() + 1
}

#[test]
fn a_batch_is_split_by_card_and_loses_nothing() {
    use EventKind::{Forward, ViewCard};
    let split = segments(batch(1, 1, &[(1, ViewCard, 0), (2, ViewCard, 0), (1, Forward, 0)]));
    assert_eq!(split.iter().map(|segment| segment.events.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_plan_takes_what_fits_into_one_transaction_and_the_next_takes_the_rest() {
    let all: Vec<_> = (0..150).flat_map(|n| segments(batch(n, n, &[(n % 3, EventKind::ViewCard, 0)]))).collect();
    let (mut rest, mut known, mut rounds) = (&all[..], BTreeMap::new(), 0);
    while !rest.is_empty() {
        let plan = plan(rest, &known);
        assert!(actions(&plan) <= ACTIONS_MAX, "{} actions", actions(&plan));
        assert!(!plan.segments.is_empty());
        rest = &rest[plan.segments.len()..];
        known.extend(plan.customers);
        rounds += 1;
    }
    // 150 segments, 150 customers and 8 counter items, three times at most 100.
    assert_eq!((known.len(), rounds), (150, 4));
}

#[test]
fn the_widest_single_segment_fits() {
    use EventKind::{Like, OpenChat, SavePhone, Unlike, ViewCard};
    let mut known = BTreeMap::new();
    // Days with gaps between them, so that each later day has new neighbours.
    let spread: Vec<_> = (0..40).map(|n| (1, if n % 2 == 0 { ViewCard } else { OpenChat }, 10 + n)).collect();
    known.extend(plan(&segments(batch(1, 1, &spread)), &known).customers);
    let mut widest: Vec<_> = (0..8).flat_map(|day| [(1, ViewCard, day), (1, OpenChat, day)]).collect();
    widest.extend([(1, Like, 7), (1, Unlike, 6), (1, Like, 5), (1, SavePhone, 4)]);
    let plan = plan(&segments(batch(1, 2, &widest)), &known);
    assert_eq!(plan.segments.len(), 1);
    assert!(actions(&plan) <= ACTIONS_MAX, "{} actions", actions(&plan));
}

/// What was before, and what comes: (kind, days ago), and in which departments.
type Past = Vec<(usize, i64)>;

fn past() -> impl Strategy<Value = Past> {
    prop::collection::vec((0..EventKind::ALL.len(), 0i64..60), 0..40)
}

fn five(from: u128) -> BTreeMap<CardId, DepartmentPath> {
    let path = (from..from + 5).map(|n| DepartmentId::from_uuid(Uuid::from_u128(n))).collect();
    BTreeMap::from([(CardId::from_uuid(Uuid::from_u128(1)), path)])
}

fn in_departments(person: u128, number: u128, events: &Past, from: u128) -> Vec<Segment> {
    let events: Vec<_> = events.iter().map(|(kind, days_ago)| (1, EventKind::ALL[*kind], *days_ago)).collect();
    segments(AcceptedBatch { departments: five(from), ..batch(person, number, &events) })
}

fn one_person_of(identities: u128) -> BTreeMap<PersonId, Customer> {
    let person = |n| PersonId::from_uuid(Uuid::from_u128(n));
    let mut known = BTreeMap::new();
    for other in 2..=identities {
        let edge = MergeEdge { merge: MergeId::from_uuid(Uuid::from_u128(other)), a: person(1), b: person(other) };
        let merge = Merge { edge, reason: MergeReason::Phone, at: now(), undone: None };
        known.extend(merge.plan(&known).unwrap().customers);
    }
    known
}

proptest! {
    /// However late and scattered the events of a card five departments deep are, that was
    /// in five others before: nothing is lost, and everything fits.
    #[test]
    fn what_does_not_fit_into_a_transaction_waits_in_one_lot(
        before in past(),
        after in prop::collection::vec((0..EventKind::ALL.len(), 0i64..8), 1..100),
        identities in 1u128..11,
    ) {
        let mut known = one_person_of(identities);
        if !before.is_empty() {
            known.extend(plan(&in_departments(1, 1, &before, 10), &known).customers);
        }
        let next = in_departments(1, 2, &after, 20);
        let cut = plan(&next, &known);
        let chunks = usize::from(cut.later.changes().count() > 0);
        prop_assert!(actions(&cut) + chunks <= ACTIONS_MAX, "{} actions", actions(&cut) + chunks);
        prop_assert!(cut.later.changes().count() <= CHUNK_MAX);
        prop_assert!(cut.later.periods().all(|(scope, _)| matches!(scope, Scope::Department(_))));
        let mut whole = cut.deltas.clone();
        whole.add_all(&cut.later);
        // What the limits of a person hold back is not counted either way.
        let judged = cut.judged.get(&0).unwrap_or(&next[0]);
        let counted = AggregationPlan::default().counted(judged, &known).unwrap().1;
        prop_assert_eq!(Vec::from_iter(whole.changes()), Vec::from_iter(counted.changes()));
    }
}

#[test]
fn the_widest_segment_five_departments_deep_leaves_a_lot() {
    let kind = |wanted| EventKind::ALL.iter().position(|kind| *kind == wanted).unwrap();
    let [view, chat, like, save] =
        [EventKind::ViewProduct, EventKind::OpenChat, EventKind::Like, EventKind::SavePhone].map(kind);
    let mut known = one_person_of(10);
    for (from, before) in [(10, vec![(like, 40), (save, 1)]), (20, vec![(view, 0), (chat, 1)])] {
        known.extend(plan(&in_departments(1, from, &before, from), &known).customers);
    }
    let mut widest: Past = (5..13).flat_map(|day| [(view, day), (chat, day)]).collect();
    widest.extend([(like, 6), (save, 7)]);
    let plan = plan(&in_departments(1, 2, &widest, 20), &known);
    assert_eq!(plan.segments.len(), 1);
    assert!(plan.later.changes().count() > 0);
    assert_eq!(actions(&plan) + 1, ACTIONS_MAX);
}

#[test]
fn a_segment_that_cannot_be_counted_does_not_stop_the_others() {
    let mut full = Customer::default();
    for n in 0..crate::crm::customer::CARDS_MAX as u128 {
        full.state.cards.insert(CardId::from_uuid(Uuid::from_u128(n)), crate::crm::customer::CardHistory::default());
    }
    let known = BTreeMap::from([(PersonId::from_uuid(Uuid::from_u128(1)), full)]);
    let one_more = segments(batch(1, 1, &[(9_999, EventKind::ViewCard, 0)]));
    let all: Vec<_> = one_more.into_iter().chain(segments(batch(2, 3, &[(1, EventKind::ViewCard, 0)]))).collect();
    let plan = plan(&all, &known);
    assert_eq!(plan.refused, [(0, ApplyError::TooManyCards)]);
    assert_eq!(plan.segments, [1]);
}

/// Counts batches one by one, and returns what was counted of the kind in the company.
fn flood(batches: impl IntoIterator<Item = AcceptedBatch>, kind: EventKind) -> (i64, BTreeMap<FilterReason, i64>) {
    let (mut known, mut deltas) = (BTreeMap::new(), CounterDeltas::default());
    for batch in batches {
        let all = segments(batch);
        let plan = plan(&all, &known);
        assert_eq!(plan.segments.len(), all.len());
        deltas.add_all(&plan.deltas);
        known.extend(plan.customers);
    }
    let lifetime = deltas.of(Scope::Company).find(|(period, _)| *period == Period::Lifetime).unwrap().1;
    let held = FilterReason::ALL.iter().filter_map(|reason| {
        lifetime.get(&crate::radar::counter::Counter::Filtered(*reason)).map(|count| (*reason, *count))
    });
    (lifetime.get(&crate::radar::counter::Counter::Events(kind)).copied().unwrap_or_default(), held.collect())
}

#[test]
fn floods_move_a_number_by_at_most_the_limits_and_a_crowd_loses_nothing() {
    use EventKind::{Forward, ViewCard};
    let one_view = |n: u128| batch(1, n, &[(1, ViewCard, 0)]);
    assert_eq!(flood((0..400).map(one_view), ViewCard), (20, BTreeMap::from([(FilterReason::Burst, 380)])));
    let forwards = |n: u128| batch(1, n, &[(1, Forward, 0); 100]);
    assert_eq!(flood((0..2).map(forwards), Forward), (10, BTreeMap::from([(FilterReason::Burst, 190)])));
    let of_a_crowd = |n: u128| batch(n, n, &[(1, ViewCard, 0), (1, Forward, 0), (1, ViewCard, 0)]);
    assert_eq!(flood((0..300).map(of_a_crowd), ViewCard), (600, BTreeMap::new()));
}

/// What a person did as one identity is known when they come as another.
#[test]
fn the_limits_are_those_of_a_person_whatever_their_identities() {
    let mut known = one_person_of(2);
    for n in 0..2_u128 {
        let views = segments(batch(n + 1, n, &[(1, EventKind::ViewCard, 0); 15]));
        let plan = plan(&views, &known);
        let held = plan.judged.values().flat_map(|segment| &segment.events).filter(|event| !event.counts()).count();
        assert_eq!(held, if n == 1 { 10 } else { 0 });
        known.extend(plan.customers);
    }
}
