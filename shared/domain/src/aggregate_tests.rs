use uuid::Uuid;

use super::*;
use crate::event::{EventKind, Object, Target};
use crate::id::{CompanyId, Id};
use crate::timestamp::DAY_MS;

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
        rules: 1,
        events: events.iter().map(event).collect(),
    }
}

fn actions(plan: &Plan) -> usize {
    plan.segments.len() + plan.customers.len() + plan.unchanged.len() + plan.tally.changes().count() + 1
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

#[test]
fn a_segment_that_cannot_be_counted_does_not_stop_the_others() {
    let mut full = Customer::default();
    for n in 0..crate::customer::CARDS_MAX as u128 {
        full.state.cards.insert(CardId::from_uuid(Uuid::from_u128(n)), crate::customer::CardHistory::default());
    }
    let known = BTreeMap::from([(PersonId::from_uuid(Uuid::from_u128(1)), full)]);
    let one_more = segments(batch(1, 1, &[(9_999, EventKind::ViewCard, 0)]));
    let all: Vec<_> = one_more.into_iter().chain(segments(batch(2, 3, &[(1, EventKind::ViewCard, 0)]))).collect();
    let plan = plan(&all, &known);
    assert_eq!(plan.refused, [(0, ApplyError::TooManyCards)]);
    assert_eq!(plan.segments, [1]);
}
