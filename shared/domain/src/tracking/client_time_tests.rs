use proptest::prelude::*;

use super::*;
use crate::crm::customer::{CustomerState, SentBy};
use crate::kernel::id::{CardId, Id};
use crate::kernel::timestamp::DAY_MS;
use crate::tracking::event::{Event, Object, Target};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

/// Milliseconds before [`now`] of views at these milliseconds after it by the phone, sent at `sent`.
fn placed(at: &[i64], sent: Option<i64>) -> Vec<i64> {
    placed_as(&at.iter().map(|at| (EventKind::ViewCard, *at)).collect::<Vec<_>>(), sent)
}

fn placed_as(events: &[(EventKind, i64)], sent: Option<i64>) -> Vec<i64> {
    let client = |ms: i64| ClientTime(now().millis() + ms);
    let events: Vec<_> = events.iter().map(|(kind, at)| (*kind, client(*at))).collect();
    let times = server_times(&events, sent.map(client), now());
    times.into_iter().map(|at| at.millis() - now().millis()).collect()
}

#[test]
fn a_right_clock_moves_nothing() {
    assert_eq!(placed(&[-HOUR, -MINUTE, 0], None), [-HOUR, -MINUTE, 0]);
    assert_eq!(placed(&[-HOUR, -MINUTE, 0], Some(0)), [-HOUR, -MINUTE, 0]);
    assert_eq!(server_times(&[], None, now()), []);
}

#[test]
fn a_batch_is_moved_by_the_error_of_its_clock() {
    let years = 56 * 365 * DAY_MS;
    for error in [HOUR, -HOUR, 30 * DAY_MS, -years, years] {
        let at = [-3 * HOUR, -2 * HOUR, -MINUTE].map(|at| at + error);
        assert_eq!(placed(&at, Some(error)), [-3 * HOUR, -2 * HOUR, -MINUTE], "{error}");
    }
}

#[test]
fn fifteen_views_two_minutes_apart_stay_two_minutes_apart_on_a_phone_that_is_an_hour_ahead() {
    let views: Vec<_> = (0..15).map(|n| HOUR - (15 - n) * 2 * MINUTE).collect();
    let right: Vec<_> = (0..15).map(|n| -(15 - n) * 2 * MINUTE).collect();
    assert_eq!(placed(&views, Some(HOUR)), right);
    let unknown = placed(&views, None);
    assert_eq!(unknown.last(), Some(&0), "the last one is not in the future");
    assert!(unknown.windows(2).all(|pair| pair[1] - pair[0] == 2 * MINUTE), "{unknown:?}");
}

#[test]
fn an_old_batch_is_moved_as_a_whole() {
    let old = 30 * DAY_MS;
    assert_eq!(placed(&[-old, HOUR - old, 5 * HOUR - old], None), [0, HOUR, 5 * HOUR].map(|at| at - LATE_MS_MAX));
    assert_eq!(placed(&[-LATE_MS_MAX, 0], None), [-LATE_MS_MAX, 0]);
    assert_eq!(placed(&[-LATE_MS_MAX, MINUTE], None), [-1, 0], "no phone keeps a batch for so long");
}

#[test]
fn a_clock_that_was_set_in_between_changes_no_other_distance() {
    // Set back by an hour after the second event, then sent: the order is that of the list.
    assert_eq!(placed(&[HOUR - 4, HOUR - 3, -2, -1], Some(0)), [-3, -2, -2, -1]);
    // It began in 1970.
    let years = 56 * 365 * DAY_MS;
    assert_eq!(
        placed(&[-years, MINUTE - years, -HOUR, -MINUTE], Some(0)),
        [-HOUR - MINUTE - 1, -HOUR - 1, -HOUR, -MINUTE]
    );
    // A single event with a time of its own.
    assert_eq!(placed(&[-HOUR, 1_000 * DAY_MS, -MINUTE], Some(0)), [-MINUTE - 1, -MINUTE, -MINUTE]);
    // Events after the sending: the clock was set back before it.
    assert_eq!(placed(&[HOUR, HOUR + MINUTE], Some(0)), [-MINUTE, 0]);
}

#[test]
fn the_last_of_likes_at_one_instant_counts() {
    use EventKind::{Like, Unlike, ViewCard};
    let card = CardId::from_uuid(uuid::Uuid::from_u128(1));
    for (kinds, liked) in
        [(vec![Like, Unlike, Like], true), (vec![Like, ViewCard, Unlike], false), (vec![Unlike, Like], true)]
    {
        let events: Vec<_> = kinds.iter().map(|kind| (*kind, ClientTime::from(now().plus_millis(HOUR)))).collect();
        let times = server_times(&events, None, now());
        let event = |(kind, at): (&EventKind, &Timestamp)| Event {
            kind: *kind,
            card,
            object: Object { target: Target::Card, title: None },
            share_code: None,
            at: *at,
            duration_ms: None,
            filtered: None,
        };
        let events: Vec<_> = kinds.iter().zip(&times).map(event).collect();
        let mut customer = CustomerState::default();
        customer.apply(SentBy::LoggedIn, &events, &std::iter::empty().collect()).unwrap();
        assert_eq!(customer.cards[&card].liked_ms().is_some(), liked, "{kinds:?}");
    }
    assert_eq!(placed_as(&[(ViewCard, 0), (ViewCard, 0), (Like, 0)], None), [-1, -1, 0]);
}

#[test]
fn any_year_is_read() {
    for text in ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+08:00"] {
        assert!(ClientTime::parse(text).is_ok(), "{text}");
    }
    assert_eq!(ClientTime::parse("2026-11-21T00:00:00").unwrap_err().code, "invalid_time");
}

fn clocks() -> impl Strategy<Value = i64> {
    prop_oneof![-2 * DAY_MS..2 * DAY_MS, -20_000 * DAY_MS..20_000 * DAY_MS, Just(i64::MIN), Just(i64::MAX)]
}

proptest! {
    #[test]
    fn order_is_kept_and_the_range_too(
        at in proptest::collection::vec((proptest::sample::select(EventKind::ALL), clocks()), 1..100),
        sent in proptest::option::of(clocks()),
    ) {
        let events: Vec<_> = at.iter().map(|(kind, at)| (*kind, ClientTime(*at))).collect();
        let times = server_times(&events, sent.map(ClientTime), now());
        prop_assert_eq!(times.len(), events.len());
        prop_assert!(times.is_sorted());
        prop_assert!(times[0].millis() >= now().millis() - LATE_MS_MAX && times[times.len() - 1] <= now());
        for (pair, (kind, _)) in times.windows(2).zip(&events[1..]) {
            let is_toggle = matches!(kind, EventKind::Like | EventKind::Unlike);
            prop_assert!(!is_toggle || pair[0] < pair[1]);
        }
    }

    /// Whatever the clock is wrong by.
    #[test]
    fn distances_are_kept_and_the_error_is_taken_out(
        gaps in proptest::collection::vec(1..HOUR, 0..99),
        sent_after in 0..HOUR,
        error in -20_000 * DAY_MS..20_000 * DAY_MS,
        tells: bool,
    ) {
        let mut at = vec![-sent_after - gaps.iter().sum::<i64>()];
        for gap in &gaps {
            at.push(at[at.len() - 1] + gap);
        }
        let seen: Vec<_> = at.iter().map(|at| at + error).collect();
        let placed = placed(&seen, tells.then_some(error));
        let found: Vec<_> = placed.windows(2).map(|pair| pair[1] - pair[0]).collect();
        prop_assert_eq!(found, gaps);
        if tells {
            prop_assert_eq!(placed, at);
        }
    }
}
