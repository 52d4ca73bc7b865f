use proptest::prelude::*;

use super::*;
use crate::radar::recount_tests::{card, event, now};

const MINUTE_MS: i64 = 60 * SECOND_MS;

/// Events of a kind, this far apart, in batches of this size.
fn counted(kind: EventKind, events: usize, apart_ms: i64, batch: usize) -> Vec<Option<FilterReason>> {
    let at = |n: usize| now().plus_millis(i64::try_from(n).unwrap() * apart_ms);
    let events: Vec<_> = (0..events).map(|n| event(kind, card(1), at(n))).collect();
    let (mut activity, mut reasons) = (Activity::default(), Vec::new());
    for batch in events.chunks(batch) {
        let mut batch = batch.to_vec();
        activity.clone().judge(&mut batch);
        batch.iter().filter(|event| event.counts()).for_each(|event| activity.take(event));
        reasons.extend(batch.iter().map(|event| event.filtered));
    }
    reasons
}

fn of(reasons: &[Option<FilterReason>], wanted: Option<FilterReason>) -> usize {
    reasons.iter().filter(|reason| **reason == wanted).count()
}

#[test]
fn a_burst_is_one_however_it_is_cut_into_batches() {
    for batch in [1, 7, 100] {
        let reasons = counted(EventKind::ViewCard, 50, 100, batch);
        assert_eq!((of(&reasons, None), of(&reasons, Some(FilterReason::Burst))), (20, 30), "{batch} in a batch");
        let forwards = counted(EventKind::Forward, 200, 100, batch);
        assert_eq!(of(&forwards, None), 10, "{batch} in a batch");
    }
}

#[test]
fn a_burst_that_comes_late_is_one_too() {
    let mut activity = Activity::default();
    activity.take(&event(EventKind::ViewCard, card(1), now()));
    let hours_ago = now().plus_millis(-30 * 60 * MINUTE_MS);
    let mut late: Vec<_> = (0..50).map(|n| event(EventKind::ViewCard, card(1), hours_ago.plus_millis(n))).collect();
    activity.judge(&mut late);
    assert_eq!(late.iter().filter(|event| event.counts()).count(), 20);
}

#[test]
fn a_flood_that_is_spread_over_the_day_ends_at_the_daily_limit() {
    for batch in [1, 100] {
        let views = counted(EventKind::ViewCard, 400, MINUTE_MS, batch);
        assert_eq!((of(&views, None), of(&views, Some(FilterReason::DailyLimit))), (100, 300));
        let forwards = counted(EventKind::Forward, 200, MINUTE_MS, batch);
        assert_eq!((of(&forwards, None), of(&forwards, Some(FilterReason::DailyLimit))), (50, 150));
    }
}

#[test]
fn what_an_eager_person_does_counts() {
    let reasons = counted(EventKind::ViewProduct, 150, 5 * SECOND_MS, 20);
    assert_eq!(of(&reasons, None), 150, "a product every five seconds for twelve minutes");
}

fn dwell(at_ms: i64, stayed_ms: i64) -> Event {
    let at = now().plus_millis(at_ms);
    Event { duration_ms: Some(u32::try_from(stayed_ms).unwrap()), ..event(EventKind::Dwell, card(1), at) }
}

/// The verdict on each of these stays, one batch after the other.
fn stays(events: impl IntoIterator<Item = Event>) -> Vec<Option<FilterReason>> {
    let mut activity = Activity::default();
    let judged = events.into_iter().map(|mut event| {
        activity.clone().judge(std::slice::from_mut(&mut event));
        if event.counts() {
            activity.take(&event);
        }
        event.filtered
    });
    judged.collect()
}

#[test]
fn nobody_stays_longer_than_the_time_that_has_passed() {
    let hour = 60 * MINUTE_MS;
    let claims = (0..100).map(|n| dwell(n * 1_000, hour));
    let reasons = stays(claims);
    assert_eq!((of(&reasons, None), of(&reasons, Some(FilterReason::DwellTime))), (1, 99));
    // Five minutes are forgiven.
    assert_eq!(stays([dwell(0, MINUTE_MS), dwell(0, 5 * MINUTE_MS)]), [None, None]);
}

#[test]
fn a_day_has_three_hours_of_stay() {
    let noon_ms = 0;
    let reasons = stays((-6..0).map(|n| dwell(noon_ms + n * 60 * MINUTE_MS, 60 * MINUTE_MS)));
    assert_eq!((of(&reasons, None), of(&reasons, Some(FilterReason::DailyLimit))), (3, 3));
}

/// Stays one after the other, with pauses between them.
fn honest() -> impl Strategy<Value = Vec<Event>> {
    let stay = (0i64..MINUTE_MS, 0i64..3 * MINUTE_MS);
    prop::collection::vec(stay, 0..40).prop_map(|stays| {
        let mut at = 0;
        let stays = stays.into_iter().map(|(pause, stayed)| {
            at += pause + stayed;
            dwell(at, stayed)
        });
        stays.collect()
    })
}

proptest! {
    #[test]
    fn honest_stays_count_in_any_order(order in honest().prop_shuffle()) {
        prop_assert!(stays(order).iter().all(Option::is_none));
    }

    /// Who is two people until they merge is the sum of both.
    #[test]
    fn parts_add_up_in_any_order(
        acts in prop::collection::vec((0usize..14, 0i64..12, 0i64..10, prop::bool::ANY), 0..60).prop_shuffle(),
    ) {
        let events = acts.iter().map(|(kind, days, minutes, first)| {
            let at = now().plus_millis(-days * 24 * 60 * MINUTE_MS - minutes * MINUTE_MS);
            (event(EventKind::ALL[*kind], card(1), at), *first)
        });
        let (mut whole, mut parts) = (Activity::default(), [Activity::default(), Activity::default()]);
        for (event, first) in events {
            whole.take(&event);
            parts[usize::from(first)].take(&event);
        }
        let [mut one, other] = parts;
        one.join(&other);
        prop_assert_eq!(one, whole);
    }
}
