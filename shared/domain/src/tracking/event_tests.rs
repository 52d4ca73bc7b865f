use super::*;
use crate::kernel::id::Id;
use uuid::Uuid;

fn card() -> CardId {
    CardId::from_uuid(Uuid::from_u128(1))
}

fn product() -> Object {
    Object { target: Target::Product(ProductId::from_uuid(Uuid::from_u128(2))), title: None }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

fn check(kind: EventKind, object: Option<Object>, duration_ms: Option<u64>) -> Result<Event, FieldError> {
    Event::checked(kind, card(), object, None, now(), duration_ms)
}

#[test]
fn names_and_codes_are_unique_and_read_back() {
    for kind in EventKind::ALL.iter().copied() {
        assert_eq!(EventKind::from_name(kind.name()), Some(kind));
        assert_eq!(EventKind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(EventKind::from_code(0), None);
    assert_eq!(EventKind::from_name("view"), None);
}

#[test]
fn a_view_of_a_product_needs_a_product() {
    assert_eq!(check(EventKind::ViewProduct, None, None).unwrap_err().pointer, "/object");
    let website = Object { target: Target::Website, title: None };
    assert_eq!(check(EventKind::ViewProduct, Some(website), None).unwrap_err().code, "not_allowed");
    assert!(check(EventKind::ViewProduct, Some(product()), None).is_ok());
}

#[test]
fn no_object_means_the_card() {
    assert_eq!(check(EventKind::Like, None, None).unwrap().object.target, Target::Card);
    assert_eq!(check(EventKind::ViewWebsite, None, None).unwrap().object.target, Target::Website);
    assert!(check(EventKind::Like, Some(product()), None).is_err());
    assert!(check(EventKind::Forward, Some(product()), None).is_ok());
}

#[test]
fn only_a_dwell_has_a_duration_and_it_is_bounded() {
    assert_eq!(check(EventKind::Dwell, None, None).unwrap_err().code, "required");
    assert_eq!(check(EventKind::Like, None, Some(1)).unwrap_err().code, "not_allowed");
    assert_eq!(check(EventKind::Dwell, None, Some(3_600_000)).unwrap().duration_ms, Some(3_600_000));
    assert_eq!(check(EventKind::Dwell, None, Some(3_600_001)).unwrap_err().code, "out_of_range");
    assert_eq!(check(EventKind::Dwell, None, Some(u64::MAX)).unwrap_err().code, "out_of_range");
}

#[test]
fn an_object_names_its_id_or_none() {
    assert_eq!(Target::parse("product", None).unwrap_err().pointer, "/id");
    assert_eq!(Target::parse("product", Some("crd_1")).unwrap_err().code, "invalid_id");
    assert_eq!(Target::parse("website", Some("x")).unwrap_err().code, "not_allowed");
    assert_eq!(Target::parse("shop", None).unwrap_err().code, "unknown_type");
    assert_eq!(Target::parse("card", None), Ok(Target::Card));
}

#[test]
fn an_event_survives_the_queue() {
    let event = Event::checked(
        EventKind::Forward,
        card(),
        Some(Object { title: Some(Line::parse("智能门锁 👨‍👩‍👧 𠀀").unwrap()), ..product() }),
        Some(ShareCode::parse("s-1_A").unwrap()),
        now(),
        None,
    )
    .unwrap();
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
}
