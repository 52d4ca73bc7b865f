use domain::kernel::id::{Id, ProductId};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

fn card(n: u128) -> CardId {
    CardId::from_uuid(Uuid::from_u128(n))
}

fn view() -> Value {
    let id = ProductId::from_uuid(Uuid::from_u128(1));
    json!({
        "kind": "view_product", "card_id": card(1), "at": "2026-11-21T11:59:00+08:00",
        "object": {"type": "product", "id": id, "title": "茶"},
    })
}

/// The view with the value at this pointer put into its place; null takes it away.
fn with(pointer: &str, value: Value) -> Value {
    let mut event = view();
    let (object, name) = pointer.rsplit_once('/').unwrap();
    let object = event.pointer_mut(object).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        drop(object.remove(name))
    } else {
        drop(object.insert(name.to_owned(), value))
    }
    event
}

fn read(text: &str) -> Result<CheckedBatch, Problem> {
    serde_json::from_str::<NewBatch>(text).unwrap().checked(now())
}

fn id() -> Uuid {
    let ms = u64::try_from(now().millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(ms, &[7; 10]).into_uuid()
}

fn batch(events: &[Value]) -> CheckedBatch {
    read(&json!({"batch_id": id(), "events": events}).to_string()).unwrap()
}

/// What of one event is kept, and pointer and code of its fault.
fn one(event: Value) -> Result<Event, (String, String)> {
    let CheckedBatch { mut events, mut dropped, .. } = batch(&[event]);
    assert_eq!(events.len() + dropped.len(), 1);
    let fault = |dropped: DroppedEvent| (dropped.pointer, dropped.code);
    dropped.pop().map_or_else(|| Ok(events.remove(0).event), |dropped| Err(fault(dropped)))
}

#[test]
fn every_fault_of_an_event_is_named_with_its_place() {
    for (pointer, value, code) in [
        ("/kind", json!("look"), "unknown_kind"),
        ("/kind", json!(3), "wrong_type"),
        ("/kind", Value::Null, "required"),
        ("/card_id", json!("7"), "invalid_id"),
        ("/card_id", Value::Null, "required"),
        ("/at", json!("昨天"), "invalid_time"),
        ("/at", Value::Null, "required"),
        ("/object", Value::Null, "required"),
        ("/object", json!([]), "invalid_value"),
        ("/object/type", json!("house"), "unknown_type"),
        ("/object/type", json!("article"), "invalid_id"),
        ("/object/id", Value::Null, "required"),
        ("/object/title", json!(7), "wrong_type"),
        ("/object/colour", json!("red"), "unknown_field"),
        ("/share_code", json!(7), "wrong_type"),
        ("/duration_ms", json!(5), "not_allowed"),
        ("/duration_ms", json!(-1), "invalid_value"),
        ("/colour", json!("red"), "unknown_field"),
    ] {
        let (found, fault) = one(with(pointer, value.clone())).unwrap_err();
        let place = if code == "invalid_id" && pointer == "/object/type" { "/object/id" } else { pointer };
        assert_eq!((found, fault.as_str()), (format!("/events/0{place}"), code), "{pointer} {value}");
    }
    for no_event in [json!(null), json!(7), json!("view_card")] {
        assert_eq!(one(no_event).unwrap_err(), ("/events/0".to_owned(), "wrong_type".to_owned()));
    }
}

#[test]
fn what_is_too_long_or_unreadable_is_cut_and_its_event_kept() {
    let title =
        |title: &str| one(with("/object/title", json!(title))).unwrap().object.title.map(|title| title.to_string());
    assert_eq!(title(&"茶".repeat(60)), Some("茶".repeat(60)));
    assert_eq!(title(&"茶".repeat(62)), Some("茶".repeat(59) + "…"));
    assert_eq!(title("a\u{0}\u{FFFF}\u{FFFE}\u{1b}b\nc"), Some("ab c".to_owned()));
    assert_eq!(title(" \u{FFFF} "), None);
    let half = json!({"batch_id": id(), "events": [view()]}).to_string().replace("茶", r"茶\ud83d");
    let event = read(&half).unwrap().events.remove(0).event;
    assert_eq!(event.object.title.unwrap().as_str(), "茶", "half an emoji");
    for code in ["", "a#b", &"s".repeat(33)] {
        let event = one(with("/share_code", json!(code))).unwrap();
        assert_eq!((event.share_code, event.filtered), (None, Some(FilterReason::UnknownShare)), "{code}");
    }
    let event = one(with("/share_code", json!("s-1"))).unwrap();
    assert_eq!((event.share_code.unwrap().as_str(), event.filtered), ("s-1", None));
}

#[test]
fn a_fault_costs_no_other_event() {
    let mut sent = batch(&[view(), with("/kind", json!("look")), view(), with("/card_id", json!(card(2)))]);
    sent.drop_unknown(|known| *known == card(1));
    let (events, dropped) = sent.at_server_times(now());
    assert_eq!(events.len(), 2);
    let dropped: Vec<_> =
        dropped.iter().map(|event| (event.index, event.code.as_str(), event.pointer.as_str())).collect();
    assert_eq!(dropped, [(1, "unknown_kind", "/events/1/kind"), (3, "unknown_card", "/events/3/card_id")]);
}

#[test]
fn the_first_ten_cards_of_a_batch_count() {
    let on = |n: u128| with("/card_id", json!(card(n)));
    let events: Vec<_> = (1..=12).map(on).chain([on(10), on(11)]).collect();
    let sent = batch(&events);
    let kept: Vec<_> = sent.events.iter().map(|sent| sent.index).collect();
    assert_eq!(kept, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12]);
    assert!(sent.dropped.iter().all(|event| event.code == "too_many_cards"));
}

#[test]
fn a_batch_that_is_none_is_refused() {
    for (name, value, code) in [
        ("events", json!([]), "invalid_count"),
        ("events", json!(vec![view(); 101]), "invalid_count"),
        ("batch_id", json!("x"), "invalid_batch_id"),
        ("batch_id", json!(Uuid::nil()), "invalid_batch_id"),
    ] {
        let mut body = json!({"batch_id": id(), "events": [view()]});
        body[name] = value;
        assert!(format!("{:?}", read(&body.to_string()).unwrap_err()).contains(code), "{name}");
    }
}

#[test]
fn the_fingerprint_is_that_of_the_events_as_sent() {
    let of = |body: Value| read(&body.to_string()).unwrap().fingerprint;
    let look = with("/kind", json!("look"));
    let first = of(json!({"batch_id": id(), "events": [view(), look]}));
    let again = json!({"batch_id": id(), "events": [view(), look], "sent_at": "1971-01-01T00:00:00Z"});
    assert_eq!(of(again), first, "sent again later");
    assert_ne!(of(json!({"batch_id": id(), "events": [view(), with("/kind", json!("see"))]})), first);
    assert_ne!(of(json!({"batch_id": id(), "events": [look, view()]})), first);
    assert_ne!(of(json!({"batch_id": id(), "events": [view()]})), first);
}

#[test]
fn times_are_moved_by_the_error_of_the_clock() {
    let events = [with("/at", json!("2026-11-21T12:50:00+08:00")), with("/at", json!("2026-11-21T12:58:00+08:00"))];
    let body = json!({"batch_id": id(), "events": events, "sent_at": "2026-11-21T13:00:00+08:00"});
    let (events, _) = read(&body.to_string()).unwrap().at_server_times(now());
    let at: Vec<_> = events.iter().map(|event| event.at.to_string()).collect();
    assert_eq!(at, ["2026-11-21T11:50:00+08:00", "2026-11-21T11:58:00+08:00"]);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(view()),
        Just(with("/kind", json!("look"))),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("kind|at|card_id|object|title|[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    /// Every event is either kept or named, whatever it is, and a retry is answered the same.
    #[test]
    fn nothing_is_lost_and_nothing_is_silent(mut events in proptest::collection::vec(values(), 1..30), good in 0usize..30) {
        let good = good % events.len();
        events[good] = view();
        let (first, again) = (batch(&events), batch(&events));
        prop_assert_eq!(first.size, events.len());
        prop_assert_eq!(&first.fingerprint, &again.fingerprint);
        let kept: BTreeSet<_> = first.events.iter().map(|sent| sent.index).collect();
        let named: BTreeSet<_> = first.dropped.iter().map(|dropped| dropped.index).collect();
        prop_assert!(kept.contains(&good), "the good one is kept");
        prop_assert!(kept.is_disjoint(&named));
        prop_assert_eq!(kept.len() + named.len(), events.len());
        let said = |batch: &CheckedBatch| format!("{:?}", batch.dropped);
        prop_assert_eq!(said(&first), said(&again));
        for dropped in &first.dropped {
            let place = format!("/events/{}", dropped.index);
            prop_assert!(dropped.pointer.starts_with(&place));
        }
    }
}
