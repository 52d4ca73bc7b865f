use proptest::prelude::*;

use super::super::{CARDS_MAX, SentBy};
use super::*;
use crate::kernel::timestamp::DAY_MS;
use crate::radar::recount_tests::{card, department, event, now, path_of, visits};
use crate::tracking::event::{Event, EventKind};
use crate::tracking::filter_reason::FilterReason;

fn path(departments: &[u128]) -> DepartmentPath {
    departments.iter().map(|n| department(*n)).collect()
}

/// The state of a customer who did all this on the first cards, each day back from today.
fn state(kinds: &[EventKind], cards: u128, days: i64, path: &DepartmentPath) -> CustomerState {
    let mut state = CustomerState::default();
    for days_ago in (0..days).rev() {
        let at = now().plus_millis(-days_ago * DAY_MS);
        for card in (1..=cards).map(card) {
            let events: Vec<_> = kinds.iter().map(|kind| event(*kind, card, at)).collect();
            state.apply(SentBy::LoggedIn, &events, path).unwrap();
        }
    }
    state
}

proptest! {
    #[test]
    fn what_is_stored_reads_back(visits in visits()) {
        let mut parts = [CustomerState::default(), CustomerState::default()];
        for (person, event) in &visits {
            parts[usize::from(person % 2)].apply(SentBy::LoggedIn, std::slice::from_ref(event), &path_of(event)).unwrap();
        }
        let person = CustomerState::union(&parts);
        for state in parts.into_iter().chain([person]) {
            prop_assert_eq!(CustomerState::from_bytes(&state.to_bytes()), Ok(state));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = CustomerState::from_bytes(&bytes);
    }

    #[test]
    fn bytes_that_are_cut_off_or_too_many_are_rejected(visits in visits(), place: prop::sample::Index) {
        let mut state = CustomerState::default();
        for (_, event) in &visits {
            state.apply(SentBy::LoggedIn, std::slice::from_ref(event), &path_of(event)).unwrap();
        }
        let mut bytes = state.to_bytes();
        prop_assert_eq!(CustomerState::from_bytes(&bytes[..place.index(bytes.len())]), Err(Unreadable));
        bytes.push(0);
        prop_assert_eq!(CustomerState::from_bytes(&bytes), Err(Unreadable));
    }
}

#[test]
fn the_largest_state_reads_back() {
    let largest = state(EventKind::ALL, u128::try_from(CARDS_MAX).unwrap(), 20, &path(&[1, 2, 3, 4, 5]));
    let bytes = largest.to_bytes();
    assert!(bytes.len() < 32 * 1_024, "{} bytes", bytes.len());
    assert_eq!(CustomerState::from_bytes(&bytes), Ok(largest));
}

/// The key and the other attributes take some 150 bytes of the kilobyte of a write unit.
#[test]
fn the_same_days_and_departments_are_written_once() {
    let bytes =
        |cards, days, departments: &[u128]| state(EventKind::ALL, cards, days, &path(departments)).to_bytes().len();
    assert_eq!([bytes(1, 1, &[]), bytes(1, 1, &[1, 2, 3]), bytes(3, 1, &[1, 2, 3])], [139, 202, 356]);
    assert_eq!(bytes(3, 30, &[1, 2, 3]) - bytes(3, 30, &[]), 69, "however many days");
}

/// As it was stored until layout 2.
#[test]
fn the_json_of_layout_2_is_read() {
    let (card, [low, top]) = (card(1), [1, 2].map(department));
    let ms = now().millis();
    let presence = r#"{"v":"20778","t":"20778"}"#;
    let json = format!(
        r#"{{"p":{presence},"c":{{"{card}":{{"p":{presence},"o":1,"l":{ms},"k":{{"ms":{ms},"off":false,"d":["{low}","{top}"]}},
            "s":{ms},"e":"USoBEAE","d":["{low}","{top}"]}}}},"h":"USoAEAA","d":{{"{low}":{presence},"{top}":{presence}}}}}"#
    );
    let kinds = [EventKind::ViewCard, EventKind::Like, EventKind::SavePhone, EventKind::OpenChat];
    let state = CustomerState { activity: Activity::default(), ..state(&kinds, 1, 1, &path(&[1, 2])) };
    assert_eq!(serde_json::from_str::<CustomerState>(&json).unwrap().met_by_days(), state);
}

#[test]
fn the_bytes_of_layout_3_are_read() {
    let now = state(&[EventKind::ViewCard, EventKind::OpenChat], 2, 3, &path(&[1]));
    let before = CustomerState { activity: Activity::default(), ..now };
    // Whether they had logged in, nobody who was not met, no days and no minutes.
    let bytes = before.to_bytes();
    let of_layout_3 = &bytes[..bytes.len() - 4];
    assert_eq!(CustomerState::from_bytes_of_layout_3(of_layout_3), Ok(before));
    assert_eq!(CustomerState::from_bytes(of_layout_3), Err(Unreadable));
}

/// Who has not logged in, and a card on which nothing was counted.
#[test]
fn what_layout_4_has_added_reads_back() {
    let own = Event { filtered: Some(FilterReason::Own), ..event(EventKind::ViewCard, card(1), now()) };
    let mut state = CustomerState::default();
    let events = [own, event(EventKind::ViewCard, card(2), now()), event(EventKind::Dwell, card(2), now())];
    state.apply(SentBy::Anonymous, &events, &path(&[1])).unwrap();
    assert!(state.anonymous && !state.cards[&card(1)].active_days.met && state.cards[&card(2)].active_days.met);
    assert_eq!(CustomerState::from_bytes(&state.to_bytes()), Ok(state));
}
