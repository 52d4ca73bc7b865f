//! The events of a segment as bytes. They name each object and share code once, ids as their
//! 16 bytes and times as the distance to the event before: a third of the same as JSON, and
//! twenty events take about a hundred bytes besides their titles.
//!
//! Numbers are written seven bits a byte, the lowest first, the high bit on all but the last;
//! signed ones alternate (0, -1, 1, -2, …). Texts and lists follow their length:
//!
//! ```text
//! rules · departments [16 bytes] · share codes [text]
//! objects [letter of the type · its 16 bytes, if it has an id · length of the title + 1, or 0 · title]
//! then to the end, each event: kind · position of the object × 8 + what follows · milliseconds
//!   after the event before (the first: after the batch) [· position of the share code]
//!   [· duration in milliseconds] [· letter of the reason why it is not counted]
//! ```

use domain::aggregate::{Segment, SegmentKey};
use domain::department::DepartmentPath;
use domain::event::{Event, EventKind, Object, ObjectType, Target};
use domain::filter::FilterReason;
use domain::id::Id;
use domain::text::{Line, ShareCode};
use domain::timestamp::Timestamp;
use uuid::Uuid;

/// What follows an event.
const CODE: usize = 1;
const DURATION: usize = 2;
const FILTERED: usize = 4;
/// Bytes of an event, mostly.
const EVENT_LEN: usize = 6;

/// The events of a segment, and what all of them share, as bytes.
pub(crate) fn pack(segment: &Segment) -> Vec<u8> {
    let (mut objects, mut codes) = (Vec::new(), Vec::new());
    let mut events = Writer(Vec::with_capacity(segment.events.len() * EVENT_LEN));
    let mut before = segment.received_at.millis();
    for event in &segment.events {
        let code = event.share_code.as_ref().map(|code| place(&mut codes, code));
        let letter = event.filtered.map(FilterReason::letter);
        let follows = [(code.is_some(), CODE), (event.duration_ms.is_some(), DURATION), (letter.is_some(), FILTERED)];
        let follows: usize = follows.into_iter().filter_map(|(is, flag)| is.then_some(flag)).sum();
        events.number(u64::from(event.kind.code()));
        events.length(place(&mut objects, &event.object) * 8 + follows);
        events.signed(event.at.millis() - before);
        before = event.at.millis();
        code.into_iter().for_each(|code| events.length(code));
        event.duration_ms.into_iter().for_each(|ms| events.number(u64::from(ms)));
        letter.into_iter().for_each(|letter| events.number(u64::from(u32::from(letter))));
    }
    let mut all = Writer(Vec::with_capacity(events.0.len() + 64 * (1 + objects.len() + codes.len())));
    all.number(u64::from(segment.rules));
    all.length(segment.departments.iter().count());
    segment.departments.iter().for_each(|department| all.uuid(department.uuid()));
    all.length(codes.len());
    codes.iter().for_each(|code| all.text(code.as_str()));
    all.length(objects.len());
    objects.into_iter().for_each(|object| all.object(object));
    all.0.extend_from_slice(&events.0);
    all.0
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
    let mut all = Reader(packed);
    let rules = all.number()?.try_into().ok()?;
    let departments = all.list(|all| Some(Id::from_uuid(all.uuid()?)))?.into_iter().collect::<DepartmentPath>();
    let codes = all.list(|all| ShareCode::parse(all.text()?).ok())?;
    let objects = all.list(Reader::object)?;
    let (mut events, mut before) = (Vec::new(), received_ms);
    while !all.0.is_empty() {
        let kind = EventKind::from_code(all.number()?.try_into().ok()?)?;
        let (object, follows) = all.length().map(|number| (number / 8, number % 8))?;
        before = before.checked_add(all.signed()?)?;
        events.push(Event {
            kind,
            card: key.card,
            object: objects.get(object)?.clone(),
            at: Timestamp::from_millis(before),
            share_code: if follows & CODE == 0 { None } else { Some(codes.get(all.length()?)?.clone()) },
            duration_ms: if follows & DURATION == 0 { None } else { Some(all.number()?.try_into().ok()?) },
            filtered: if follows & FILTERED == 0 { None } else { Some(FilterReason::from_letter(all.letter()?)?) },
        });
    }
    let received_at = Timestamp::from_millis(received_ms);
    Some(Segment { key, fingerprint, received_at, rules, departments, events })
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63).cast_unsigned());
    }

    fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn uuid(&mut self, uuid: Uuid) {
        self.0.extend_from_slice(uuid.as_bytes());
    }

    fn object(&mut self, object: &Object) {
        self.number(u64::from(u32::from(object.target.object_type().letter())));
        match object.target {
            Target::Card | Target::Website => {}
            Target::Product(id) => self.uuid(id.uuid()),
            Target::Article(id) => self.uuid(id.uuid()),
            Target::Video(id) => self.uuid(id.uuid()),
        }
        let title = object.title.as_ref().map(Line::as_str);
        self.length(title.map_or(0, |title| title.len() + 1));
        self.0.extend_from_slice(title.unwrap_or_default().as_bytes());
    }
}

/// What is left to be read. Whatever is missing or too long is `None`.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn length(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn letter(&mut self) -> Option<char> {
        char::from_u32(self.number()?.try_into().ok()?)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn uuid(&mut self) -> Option<Uuid> {
        Uuid::from_slice(self.bytes(16)?).ok()
    }

    fn object(&mut self) -> Option<Object> {
        let target = match ObjectType::from_letter(self.letter()?)? {
            ObjectType::Card => Target::Card,
            ObjectType::Website => Target::Website,
            ObjectType::Product => Target::Product(Id::from_uuid(self.uuid()?)),
            ObjectType::Article => Target::Article(Id::from_uuid(self.uuid()?)),
            ObjectType::Video => Target::Video(Id::from_uuid(self.uuid()?)),
        };
        let title = match self.length()?.checked_sub(1) {
            None => None,
            Some(length) => Some(Line::parse(std::str::from_utf8(self.bytes(length)?).ok()?).ok()?),
        };
        Some(Object { target, title })
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        // What is not there ends the list, however long it says it is.
        (0..self.length()?).map(|_| read(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::batch::BatchId;
    use domain::id::{CardId, PersonId, ProductId};
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn key() -> SegmentKey {
        let uuid = Uuid::from_u128(7);
        SegmentKey { card: CardId::from_uuid(uuid), batch: BatchId::from_uuid(uuid), person: PersonId::from_uuid(uuid) }
    }

    fn segment(events: Vec<Event>, rules: u16, departments: u128) -> Segment {
        let departments = (0..departments).map(|n| Id::from_uuid(Uuid::from_u128(n))).collect();
        let received_at = Timestamp::from_millis(NOW);
        Segment { key: key(), fingerprint: "f".to_owned(), received_at, rules, departments, events }
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
