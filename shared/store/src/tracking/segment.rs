//! The events of a segment as bytes. They name each object and share code once, ids as their
//! 16 bytes and times as the distance to the event before: a third of the same as JSON, and
//! twenty events take about a hundred bytes besides their titles.
//!
//! Numbers are as in [`domain::kernel::pack`]; texts and lists follow their length:
//!
//! ```text
//! rules, and 65,536 more if the person had not logged in · departments [16 bytes] · share codes [text]
//! objects [letter of the type · its 16 bytes, if it has an id · length of the title + 1, or 0 · title]
//! then to the end, each event: kind · position of the object × 8 + what follows · milliseconds
//!   after the event before (the first: after the batch) [· position of the share code]
//!   [· duration in milliseconds] [· letter of the reason why it is not counted]
//! ```

use domain::company::department::DepartmentPath;
use domain::kernel::pack::{Pack, pack_id, unpack_id};
use domain::kernel::text::{Line, ShareCode};
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::{Segment, SegmentKey};
use domain::tracking::event::{Event, EventKind, Object, ObjectType, Target};
use domain::tracking::filter_reason::FilterReason;

/// Beside the version of the rules: the person had not logged in.
const ANONYMOUS: u64 = 1 << 16;
/// What follows an event.
const CODE: usize = 1;
const DURATION: usize = 2;
const FILTERED: usize = 4;
/// Bytes of an event, mostly.
const EVENT_LEN: usize = 6;

/// The events of a segment, and what all of them share, as bytes.
pub(crate) fn pack(segment: &Segment) -> Vec<u8> {
    let (mut objects, mut codes) = (Vec::new(), Vec::new());
    let mut events = Vec::with_capacity(segment.events.len() * EVENT_LEN);
    let mut before = segment.received_at.millis();
    for event in &segment.events {
        let code = event.share_code.as_ref().map(|code| place(&mut codes, code));
        let letter = event.filtered.map(FilterReason::letter);
        let follows = [(code.is_some(), CODE), (event.duration_ms.is_some(), DURATION), (letter.is_some(), FILTERED)];
        let follows: usize = follows.into_iter().filter_map(|(is, flag)| is.then_some(flag)).sum();
        u64::from(event.kind.code()).pack(&mut events);
        (place(&mut objects, &event.object) * 8 + follows).pack(&mut events);
        (event.at.millis() - before).pack(&mut events);
        before = event.at.millis();
        code.into_iter().for_each(|code| code.pack(&mut events));
        event.duration_ms.into_iter().for_each(|ms| u64::from(ms).pack(&mut events));
        letter.into_iter().for_each(|letter| pack_letter(letter, &mut events));
    }
    let mut all = Vec::with_capacity(events.len() + 64 * (1 + objects.len() + codes.len()));
    (u64::from(segment.rules) | if segment.anonymous { ANONYMOUS } else { 0 }).pack(&mut all);
    segment.departments.iter().count().pack(&mut all);
    segment.departments.iter().for_each(|department| pack_id(&department, &mut all));
    codes.len().pack(&mut all);
    codes.iter().for_each(|code| pack_text(code.as_str(), &mut all));
    objects.len().pack(&mut all);
    objects.into_iter().for_each(|object| pack_object(object, &mut all));
    all.extend_from_slice(&events);
    all
}

/// The position of `one` among the known, whose last it becomes when it is new.
fn place<'a, T: PartialEq>(known: &mut Vec<&'a T>, one: &'a T) -> usize {
    known.iter().position(|known| *known == one).unwrap_or_else(|| {
        known.push(one);
        known.len() - 1
    })
}

/// The segment of this key with these events; `None` when they cannot be read.
pub(crate) fn unpack(key: SegmentKey, fingerprint: String, received_ms: i64, packed: &[u8]) -> Option<Segment> {
    let all = &mut &*packed;
    let rules = u64::unpack(all)?;
    let (anonymous, rules) = (rules & ANONYMOUS != 0, (rules & !ANONYMOUS).try_into().ok()?);
    let departments = unpack_list(all, unpack_id)?.into_iter().collect::<DepartmentPath>();
    let codes = unpack_list(all, |all| ShareCode::parse(unpack_text(all)?).ok())?;
    let objects = unpack_list(all, unpack_object)?;
    let (mut events, mut before) = (Vec::new(), received_ms);
    while !all.is_empty() {
        let kind = EventKind::from_code(u64::unpack(all)?.try_into().ok()?)?;
        let (object, follows) = usize::unpack(all).map(|number| (number / 8, number % 8))?;
        before = before.checked_add(i64::unpack(all)?)?;
        events.push(Event {
            kind,
            card: key.card,
            object: objects.get(object)?.clone(),
            at: Timestamp::from_millis(before),
            share_code: if follows & CODE == 0 { None } else { Some(codes.get(usize::unpack(all)?)?.clone()) },
            duration_ms: if follows & DURATION == 0 { None } else { Some(u64::unpack(all)?.try_into().ok()?) },
            filtered: if follows & FILTERED == 0 {
                None
            } else {
                Some(FilterReason::from_letter(unpack_letter(all)?)?)
            },
        });
    }
    let received_at = Timestamp::from_millis(received_ms);
    Some(Segment { key, fingerprint, received_at, anonymous, rules, departments, events })
}

fn pack_letter(letter: char, bytes: &mut Vec<u8>) {
    u64::from(u32::from(letter)).pack(bytes);
}

fn unpack_letter(bytes: &mut &[u8]) -> Option<char> {
    char::from_u32(u64::unpack(bytes)?.try_into().ok()?)
}

fn pack_text(text: &str, bytes: &mut Vec<u8>) {
    text.len().pack(bytes);
    bytes.extend_from_slice(text.as_bytes());
}

fn unpack_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::unpack(bytes)?;
    take_text(bytes, length)
}

fn take_text<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a str> {
    std::str::from_utf8(bytes.split_off(..length)?).ok()
}

fn pack_object(object: &Object, bytes: &mut Vec<u8>) {
    pack_letter(object.target.object_type().letter(), bytes);
    match &object.target {
        Target::Card | Target::Website => {}
        Target::Product(id) => pack_id(id, bytes),
        Target::Article(id) => pack_id(id, bytes),
        Target::Video(id) => pack_id(id, bytes),
    }
    let title = object.title.as_ref().map(Line::as_str);
    title.map_or(0, |title| title.len() + 1).pack(bytes);
    bytes.extend_from_slice(title.unwrap_or_default().as_bytes());
}

fn unpack_object(bytes: &mut &[u8]) -> Option<Object> {
    let target = match ObjectType::from_letter(unpack_letter(bytes)?)? {
        ObjectType::Card => Target::Card,
        ObjectType::Website => Target::Website,
        ObjectType::Product => Target::Product(unpack_id(bytes)?),
        ObjectType::Article => Target::Article(unpack_id(bytes)?),
        ObjectType::Video => Target::Video(unpack_id(bytes)?),
    };
    let title = match usize::unpack(bytes)?.checked_sub(1) {
        None => None,
        // One that was stored before unseen characters were taken out may be empty now.
        Some(length) => Line::parse(take_text(bytes, length)?).ok(),
    };
    Some(Object { target, title })
}

fn unpack_list<T>(bytes: &mut &[u8], read: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    // Missing bytes end the list, whatever length it announces.
    (0..usize::unpack(bytes)?).map(|_| read(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use domain::kernel::id::{CardId, Id, PersonId, ProductId};
    use domain::tracking::batch::BatchId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn key() -> SegmentKey {
        let uuid = Uuid::from_u128(7);
        SegmentKey { card: CardId::from_uuid(uuid), batch: BatchId::from_uuid(uuid), person: PersonId::from_uuid(uuid) }
    }

    fn segment(events: Vec<Event>, rules: u16, departments: u128) -> Segment {
        let anonymous = departments % 2 == 1;
        let departments = (0..departments).map(|n| Id::from_uuid(Uuid::from_u128(n))).collect();
        let received_at = Timestamp::from_millis(NOW);
        Segment { key: key(), fingerprint: "f".to_owned(), received_at, anonymous, rules, departments, events }
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let target = (0..5usize, 0..4u128).prop_map(|(kind, n)| match kind {
            0 => Target::Card,
            1 => Target::Website,
            2 => Target::Product(Id::from_uuid(Uuid::from_u128(u128::MAX - n))),
            3 => Target::Article(Id::from_uuid(Uuid::from_u128(n))),
            _ => Target::Video(Id::from_uuid(Uuid::from_u128(n))),
        });
        let title = proptest::option::of("[a-z门锁👨]{1,9}".prop_map(|title| Line::parse(&title).unwrap()));
        let code = proptest::option::of("[a-zA-Z0-9_-]{1,32}".prop_map(|code| ShareCode::parse(&code).unwrap()));
        let filtered = proptest::option::of(proptest::sample::select(FilterReason::ALL));
        let kind = proptest::sample::select(EventKind::ALL);
        let event = (kind, target, title, code, NOW - 700_000_000..=NOW, any::<Option<u32>>(), filtered);
        let event = event.prop_map(|(kind, target, title, share_code, at, duration_ms, filtered)| Event {
            kind,
            card: key().card,
            object: Object { target, title },
            share_code,
            at: Timestamp::from_millis(at),
            duration_ms,
            filtered,
        });
        proptest::collection::vec(event, 0..40)
    }

    proptest! {
        #[test]
        fn what_was_packed_reads_back(events in events(), rules: u16, departments in 0u128..6) {
            let segment = segment(events, rules, departments);
            prop_assert_eq!(unpack(key(), "f".to_owned(), NOW, &pack(&segment)), Some(segment));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(key(), String::new(), NOW, &bytes);
        }
    }

    /// The form is stored: other code must write the same bytes.
    #[test]
    fn an_event_takes_a_few_bytes() {
        let object = Object { target: Target::Product(ProductId::from_uuid(Uuid::nil())), title: None };
        let at = |ms: i64| Timestamp::from_millis(NOW - ms);
        let view = Event {
            kind: EventKind::ViewProduct,
            card: key().card,
            object: object.clone(),
            share_code: None,
            at: at(5_000),
            duration_ms: None,
            filtered: None,
        };
        let dwell = Event { kind: EventKind::Dwell, at: at(1_000), duration_ms: Some(300), ..view.clone() };
        let head = [vec![1, 0, 0, 1, b'p'], vec![0; 16], vec![0]].concat();
        let events = vec![2, 0, 0x8f, 0x4e, 14, 2, 0xc0, 0x3e, 0xac, 2];
        assert_eq!(pack(&segment(vec![view, dwell], 1, 0)), [head, events].concat());
    }
}
