use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

fn socket(name: &str) -> SocketId {
    SocketId::new(name.to_owned())
}

fn member(number: u128) -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(number))
}

/// A socket of member 1 that ends so much later.
fn open(later: i64) -> OpenSocket {
    OpenSocket { until: now().plus_millis(later).millis(), member: Some(member(1)), rights: 0 }
}

fn state() -> LiveState {
    LiveState::begun(None, socket("a"), open(1_000), now())
}

#[test]
fn a_card_is_watched_until_ten_minutes_after_the_last_socket() {
    let mut state = state();
    assert!(state.is_watched(now().plus_millis(1_000 + LINGER_MS - 1)));
    assert!(!state.is_watched(now().plus_millis(1_000 + LINGER_MS)));
    state.sockets.clear();
    assert!(!state.is_watched(now()));
    state.lingers_until = now().plus_millis(LINGER_MS).millis();
    assert!(state.is_watched(now().plus_millis(LINGER_MS - 1)));
}

#[test]
fn a_run_goes_on_only_with_time_to_spare() {
    let state = state();
    let end = now().plus_millis(1_000 + LINGER_MS);
    assert!(state.goes_on(end.plus_millis(-MARGIN_MS - 1)));
    assert!(!state.goes_on(end.plus_millis(-MARGIN_MS)));
}

#[test]
fn sockets_are_distinguished_by_their_end() {
    let mut state = state();
    state.sockets.insert(socket("b"), open(2_000));
    let at = |later: i64| state.sockets_at(now().plus_millis(later), |_, _| true);
    assert_eq!(at(999), (vec![socket("a"), socket("b")], vec![]));
    assert_eq!(at(1_000), (vec![socket("b")], vec![socket("a")]));
}

#[test]
fn sockets_of_members_who_may_not_watch_have_ended() {
    let mut state = state();
    state.sockets.insert(socket("b"), OpenSocket { rights: 1, ..open(1_000) });
    state.sockets.insert(socket("c"), OpenSocket { member: Some(member(2)), ..open(1_000) });
    state.sockets.insert(socket("d"), OpenSocket { member: None, ..open(1_000) });
    assert_eq!(state.members(), [member(1), member(2)].into());
    let found = state.sockets_at(now(), |who, rights| who == member(1) && rights == 1);
    assert_eq!(found, (vec![socket("b")], vec![socket("a"), socket("c"), socket("d")]));
}

#[test]
fn a_socket_of_layout_1_is_read_as_one_of_nobody() {
    let read: OpenSocket = serde_json::from_str("1795233600000").unwrap();
    assert_eq!(read, OpenSocket { until: 1_795_233_600_000, member: None, rights: 0 });
    let again: OpenSocket = serde_json::from_str(&serde_json::to_string(&open(5)).unwrap()).unwrap();
    assert_eq!(again, open(5));
}

#[test]
fn a_client_goes_on_inside_its_run_and_starts_again_outside() {
    let mut state = state();
    let begin = state.begin;
    assert_eq!(state.resume(None), Resume::Start);
    assert_eq!(state.resume(Some(begin)), Resume::UpToDate);
    state.seq = begin.plus(CATCH_UP_MAX);
    assert_eq!(state.resume(Some(begin)), Resume::CatchUp(begin));
    assert_eq!(state.resume(Some(state.seq.plus(1))), Resume::Reset, "a number that was never given");
    state.seq = begin.plus(CATCH_UP_MAX + 1);
    assert_eq!(state.resume(Some(begin)), Resume::Reset, "too many");
    let later = LiveState::begun(Some(&state), socket("c"), open(0), now());
    assert_eq!(later.resume(Some(state.seq)), Resume::Reset, "events have passed between the runs");
}

proptest! {
    #[test]
    fn a_later_run_has_only_higher_numbers(given in 0_usize..10_000, pause in 0_i64..1_000, forgotten: bool) {
        let mut before = state();
        before.seq = before.begin.plus(given);
        // A forgotten run is longer ago than the messages it can have numbered, at most one a millisecond.
        let pause = if forgotten { pause + 10_000 } else { pause };
        let next = LiveState::begun(Some(&before).filter(|_| !forgotten), socket("b"), open(0), now().plus_millis(pause));
        prop_assert!(next.begin > before.seq);
        prop_assert_eq!(next.begin, next.seq);
    }

    #[test]
    fn who_may_catch_up_has_seen_a_number_of_this_run(begin in 1_u64..1_000, given in 0_usize..300, last in 0_u64..1_500) {
        let state = LiveState { begin: Seq::new(begin), seq: Seq::new(begin).plus(given), lingers_until: 0, sockets: BTreeMap::new() };
        let inside = (state.begin..=state.seq).contains(&Seq::new(last));
        let resumed = state.resume(Some(Seq::new(last)));
        prop_assert!(resumed == Resume::Reset || inside, "{resumed:?}");
    }
}
