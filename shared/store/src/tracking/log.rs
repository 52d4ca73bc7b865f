//! The event log: one item per batch and card.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::kernel::id::CardId;
use domain::kernel::text::ShareCode;
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::{Segment, SegmentKey};
use domain::radar::log_end::forgotten_at;
use domain::tracking::event::{Event, EventKind, Object};
use domain::tracking::filter_reason::FilterReason;
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::table::aside::PutAside;
use crate::table::item::{Item, expire, number, text};
use crate::table::kinds::SEGMENT;
use crate::table::read::Order;
use crate::tracking::segment;
use crate::{Page, Store, keys};
use domain::kernel::failure::Failure;

/// Name of the attribute with the events as [`packing`] writes them, since layout 3.
const PLAIN: &str = "plain";
/// Name of the attribute with the same deflated, when that is longer than [`PLAIN_MAX`].
const DEFLATED: &str = "deflated";
/// Name of the attribute of layout 2: the deflated text.
const PACKED: &str = "packed";
/// This many bytes fit into a write unit beside the rest of the item: deflating them would take a
/// third of the aggregator's time and save nothing.
const PLAIN_MAX: usize = 800;
/// The quickest: on so short a text the best level gains a twentieth and takes half as
/// long again.
const LEVEL: i32 = 1;
/// Most bytes that are inflated: far more than a batch of the longest events.
const TEXT_MAX: usize = 1 << 20;

/// A stored segment, beside its events: twenty of them and the keys stay below one kilobyte,
/// the size of a write unit, however long the titles are.
#[derive(Debug, Serialize, Deserialize)]
struct SegmentItem {
    fingerprint: String,
    /// Unix milliseconds.
    received_ms: i64,
    /// The text itself in layout 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<String>,
}

/// The events as a JSON text, in live messages and in older layouts. Short names, and the
/// long ones of the first layout.
#[derive(Debug, Serialize, Deserialize)]
struct Packed {
    #[serde(rename = "o", alias = "objects")]
    objects: Vec<Object>,
    #[serde(rename = "e", alias = "events")]
    events: Vec<PackedEvent>,
    /// Whether the person had not logged in.
    #[serde(default, rename = "a", skip_serializing_if = "std::ops::Not::not")]
    anonymous: bool,
    /// Version of the filter rules.
    #[serde(default, rename = "r")]
    rules: u16,
    /// A letter for each event: [`COUNTED`], or the letter of its filter reason; empty when all
    /// are counted.
    #[serde(default, rename = "f", skip_serializing_if = "String::is_empty")]
    filtered: String,
    /// Where the card was.
    #[serde(default, rename = "d", skip_serializing_if = "DepartmentPath::is_empty")]
    departments: DepartmentPath,
}

/// The letter of an event that is counted.
const COUNTED: char = '-';

/// Kind, milliseconds before the batch was received, position of the object, share
/// code, duration in milliseconds.
#[derive(Debug, Serialize, Deserialize)]
struct PackedEvent(u8, i64, usize, Option<ShareCode>, Option<u32>);

/// Deflates one after the other: to set it up takes longer than to use it.
#[derive(Default)]
pub(crate) struct Packer(Option<CompressorOxide>);

impl Packer {
    fn deflate(&mut self, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let new = || CompressorOxide::new(create_comp_flags_from_zip_params(LEVEL, 0, 0));
        let compressor = self.0.get_or_insert_with(new);
        compressor.reset();
        let mut deflated = Vec::with_capacity(plain.len() / 2);
        let (status, _) = compress_to_output(compressor, plain, TDEFLFlush::Finish, |bytes| {
            deflated.extend_from_slice(bytes);
            true
        });
        if status == TDEFLStatus::Done { Ok(deflated) } else { Err(SEGMENT.corrupt("cannot be deflated")) }
    }
}

/// The item of a segment.
pub(crate) fn encode(company: Company, segment: &Segment, packer: &mut Packer) -> Result<Item, Failure> {
    let plain = segment::pack(segment);
    let (name, bytes) = if plain.len() <= PLAIN_MAX { (PLAIN, plain) } else { (DEFLATED, packer.deflate(&plain)?) };
    // Attribute by attribute: this is written most often of all.
    let mut item = SEGMENT.item(keys::segment(company, segment.key));
    item.insert("fingerprint".to_owned(), text(segment.fingerprint.as_str()));
    item.insert("received_ms".to_owned(), number(segment.received_at.millis()));
    item.insert(name.to_owned(), AttributeValue::B(Blob::new(bytes)));
    if segment.anonymous {
        expire(&mut item, forgotten_at(segment.received_at));
    }
    Ok(item)
}

/// The events of a segment as a short text.
pub(crate) fn packed(segment: &Segment) -> Result<String, Failure> {
    serde_json::to_string(&pack(segment)).map_err(|error| SEGMENT.corrupt(error))
}

fn pack(segment: &Segment) -> Packed {
    let mut objects: Vec<Object> = Vec::new();
    let mut pack_one = |event: &Event| {
        let known = objects.iter().position(|object| *object == event.object);
        let object = known.unwrap_or_else(|| {
            objects.push(event.object.clone());
            objects.len() - 1
        });
        let before = segment.received_at.millis() - event.at.millis();
        PackedEvent(event.kind.code(), before, object, event.share_code.clone(), event.duration_ms)
    };
    let events = segment.events.iter().map(&mut pack_one).collect();
    let (filtered, departments) = (letters(&segment.events), segment.departments.clone());
    Packed { objects, events, anonymous: segment.anonymous, rules: segment.rules, filtered, departments }
}

fn letters(events: &[Event]) -> String {
    if events.iter().all(|event| event.filtered.is_none()) {
        return String::new();
    }
    events.iter().map(|event| event.filtered.map_or(COUNTED, FilterReason::letter)).collect()
}

/// The segment of an item.
pub(crate) fn decode(mut item: Item) -> Result<Segment, Failure> {
    let key = Key::of(&item).and_then(|key| keys::segment_of(&key)).ok_or_else(|| SEGMENT.corrupt("key"))?;
    let [plain, deflated, packed] = [PLAIN, DEFLATED, PACKED].map(|name| item.remove(name));
    let SegmentItem { fingerprint, received_ms, events } = SEGMENT.decode(item)?;
    let plain = match (plain, deflated) {
        (Some(plain), _) => Some(bytes(plain)?),
        (None, Some(deflated)) => Some(inflated(deflated)?),
        (None, None) => None,
    };
    if let Some(plain) = plain {
        let segment = segment::unpack(key, fingerprint, received_ms, &plain);
        return segment.ok_or_else(|| SEGMENT.corrupt("events"));
    }
    let packed = packed.map(inflated).transpose()?.map(String::from_utf8).transpose();
    let events = packed.map_err(|error| SEGMENT.corrupt(error))?.or(events);
    unpacked(key, fingerprint, received_ms, &events.ok_or_else(|| SEGMENT.corrupt("no events"))?)
}

fn bytes(value: AttributeValue) -> Result<Vec<u8>, Failure> {
    if let AttributeValue::B(bytes) = value { Ok(bytes.into_inner()) } else { Err(SEGMENT.corrupt("no bytes")) }
}

fn inflated(deflated: AttributeValue) -> Result<Vec<u8>, Failure> {
    decompress_to_vec_with_limit(&bytes(deflated)?, TEXT_MAX).map_err(|error| SEGMENT.corrupt(error))
}

/// The segment of this key with the events of a [`packed`] text.
pub(crate) fn unpacked(
    key: SegmentKey,
    fingerprint: String,
    received_ms: i64,
    events: &str,
) -> Result<Segment, Failure> {
    let packed: Packed = serde_json::from_str(events).map_err(|error| SEGMENT.corrupt(error))?;
    let letters = packed.filtered.chars().chain(std::iter::repeat(COUNTED));
    let events = packed.events.iter().zip(letters);
    let events = events.map(|(event, letter)| {
        let filtered = if letter == COUNTED { None } else { Some(FilterReason::from_letter(letter)?) };
        Some(Event { filtered, ..unpack(event, &packed.objects, key, received_ms)? })
    });
    let events = events.collect::<Option<_>>().ok_or_else(|| SEGMENT.corrupt("event"))?;
    let (received_at, Packed { anonymous, rules, departments, .. }) = (Timestamp::from_millis(received_ms), packed);
    Ok(Segment { key, fingerprint, received_at, anonymous, rules, departments, events })
}

fn unpack(packed: &PackedEvent, objects: &[Object], key: SegmentKey, received_ms: i64) -> Option<Event> {
    let PackedEvent(kind, before, object, share_code, duration_ms) = packed;
    Some(Event {
        kind: EventKind::from_code(*kind)?,
        card: key.card,
        object: objects.get(*object)?.clone(),
        share_code: share_code.clone(),
        at: Timestamp::from_millis(received_ms - before),
        duration_ms: *duration_ms,
        filtered: None,
    })
}

/// The fingerprint of a stored segment.
pub(crate) fn fingerprint(item: &Item) -> Option<&str> {
    item.get("fingerprint").and_then(|value| value.as_s().ok()).map(String::as_str)
}

impl Store {
    /// The segments of a card after this one, in the order of their batches, as of the last
    /// write: as many as one call returns. Of those that are put aside there is the key only.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when a key cannot be read.
    pub async fn latest_log(
        &self,
        company: Company,
        card: CardId,
        after: Option<SegmentKey>,
        aside: &mut PutAside,
    ) -> Result<Page<Result<Segment, SegmentKey>, SegmentKey>, Failure> {
        let start = after.map(|key| keys::segment(company, key));
        let page = self.page_latest(&keys::log(company, card), start).await?;
        let read = |item| {
            let key = Key::of(&item).and_then(|key| keys::segment_of(&key)).ok_or_else(|| SEGMENT.corrupt("key"))?;
            Ok(aside.read(item, decode)?.ok_or(key))
        };
        let items = page.items.into_iter().map(read).collect::<Result<_, Failure>>()?;
        Ok(Page { items, next: page.next.and_then(|key| keys::segment_of(&key)) })
    }

    /// The segments of a card from the newest batch on, `start` included.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn card_log(
        &self,
        company: Company,
        card: CardId,
        start: Option<SegmentKey>,
        limit: u32,
    ) -> Result<Page<Segment, SegmentKey>, Failure> {
        // DynamoDB starts after a key; a key just above the wanted one includes it.
        let start = start.map(|key| keys::segment(company, key)).map(|key| Key { sk: key.sk + "~", ..key });
        let page = self.query(&keys::log(company, card), start, limit, Order::NewestFirst).await?;
        let items = page.items.into_iter().map(decode).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next.and_then(|key| keys::segment_of(&key)) })
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::id::{CompanyId, DepartmentId, Id, PersonId, ProductId};
    use domain::kernel::text::Line;
    use domain::tracking::batch::BatchId;
    use domain::tracking::event::Target;
    use uuid::Uuid;

    use super::*;
    use crate::table::item::Kind;

    fn encode(company: Company, segment: &Segment) -> Result<Item, Failure> {
        super::encode(company, segment, &mut Packer::default())
    }

    fn size(item: &Item) -> usize {
        let size = |value: &AttributeValue| {
            let text = value.as_s().map(String::len);
            text.or_else(|_| value.as_b().map(|blob| blob.as_ref().len())).unwrap_or(8)
        };
        item.iter().map(|(name, value)| name.len() + size(value)).sum()
    }

    fn segment(events: usize) -> Segment {
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let id = |n| uuid::Builder::from_unix_timestamp_millis(1_795_000_000_000, &[n; 10]).into_uuid();
        let card = CardId::from_uuid(id(1));
        let object = |n: u8| Object {
            target: Target::Product(ProductId::from_uuid(id(n))),
            title: Some(Line::parse("智能门锁 S1 旗舰版 👨‍👩‍👧").unwrap()),
        };
        let event = |n: usize| Event {
            kind: EventKind::ALL[n % EventKind::ALL.len()],
            card,
            object: object(u8::try_from(n % 3).unwrap()),
            share_code: (n == 0).then(|| ShareCode::parse("s0123456789").unwrap()),
            at: now.plus_millis(-i64::try_from(n).unwrap() * 7_321),
            duration_ms: n.is_multiple_of(5).then_some(31_500),
            filtered: None,
        };
        let key = SegmentKey { card, batch: BatchId::from_uuid(id(9)), person: PersonId::from_uuid(id(8)) };
        Segment {
            key,
            fingerprint: "0123456789abcdef".to_owned(),
            received_at: now,
            anonymous: false,
            rules: 1,
            departments: DepartmentPath::default(),
            events: (0..events).map(event).collect(),
        }
    }

    #[test]
    fn a_segment_reads_back() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let mut segment = segment(100);
        assert_eq!(decode(encode(company, &segment).unwrap()).unwrap(), segment);
        assert!(!packed(&segment).unwrap().contains("\"d\":"), "who is in no department costs no bytes");
        segment.events[3].filtered = Some(FilterReason::Colleague);
        segment.departments = (0..5).map(|n| DepartmentId::from_uuid(Uuid::from_u128(n))).collect();
        assert_eq!(decode(encode(company, &segment).unwrap()).unwrap(), segment);
    }

    #[test]
    fn a_segment_of_the_first_layout_is_still_read() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let segment = segment(20);
        let events =
            packed(&segment).unwrap().replacen("\"o\":", "\"objects\":", 1).replacen("\"e\":", "\"events\":", 1);
        let old = SegmentItem {
            fingerprint: segment.fingerprint.clone(),
            received_ms: segment.received_at.millis(),
            events: Some(events),
        };
        let item = Kind::new("segment", 1).encode(&keys::segment(company, segment.key), &old).unwrap();
        assert_eq!(decode(item).unwrap(), segment);
    }

    #[test]
    fn a_segment_of_the_second_layout_is_still_read() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let mut segment = segment(20);
        segment.events[3].filtered = Some(FilterReason::Bot);
        let old = SegmentItem { fingerprint: "f".to_owned(), received_ms: segment.received_at.millis(), events: None };
        segment.fingerprint.clone_from(&old.fingerprint);
        let mut item = Kind::new("segment", 2).encode(&keys::segment(company, segment.key), &old).unwrap();
        let deflated = Packer::default().deflate(packed(&segment).unwrap().as_bytes()).unwrap();
        item.insert(PACKED.to_owned(), AttributeValue::B(Blob::new(deflated)));
        assert_eq!(decode(item).unwrap(), segment);
    }

    #[test]
    fn what_is_too_long_for_a_write_unit_is_deflated() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let mut segment = segment(100);
        for (n, event) in segment.events.iter_mut().enumerate() {
            event.object.title =
                Some(Line::parse(&format!("{n} {}", "如何挑选第一把智能门锁避坑指南".repeat(3))).unwrap());
        }
        let item = encode(company, &segment).unwrap();
        let deflated = item[DEFLATED].as_b().unwrap().as_ref().len();
        assert!(!item.contains_key(PLAIN) && deflated < segment::pack(&segment).len() / 4, "{deflated}");
        assert_eq!(decode(item).unwrap(), segment);
    }

    #[test]
    fn the_longest_plain_events_fit_into_one_write_unit() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let mut item = encode(company, &segment(1)).unwrap();
        item.insert(PLAIN.to_owned(), AttributeValue::B(Blob::new(vec![7; PLAIN_MAX])));
        assert!(size(&item) <= 1_024, "{}", size(&item));
    }

    #[test]
    fn what_cannot_be_unpacked_is_corrupt() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        for name in [PLAIN, DEFLATED, PACKED] {
            for broken in [AttributeValue::B(Blob::new(vec![7; 40])), AttributeValue::S("x".to_owned())] {
                let mut item = encode(company, &segment(3)).unwrap();
                item.remove(PLAIN);
                item.insert(name.to_owned(), broken);
                assert!(matches!(decode(item), Err(Failure::Corrupt(_))), "{name}");
            }
        }
    }

    #[test]
    fn twenty_events_with_long_titles_fit_into_one_write_unit() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let titles = [
            "智能门锁旗舰版送货上门安装一年保修",
            "极简客厅落地灯暖光护眼可调角度",
            "云岭古树普洱茶饼三年陈藏礼盒装",
            "如何挑选第一把智能门锁避坑指南",
        ];
        let mut segment = segment(20);
        for (n, event) in segment.events.iter_mut().enumerate() {
            let id = uuid::Builder::from_random_bytes([u8::try_from(n % 4).unwrap() * 37 + 11; 16]).into_uuid();
            let title = Some(Line::parse(titles[n % 4]).unwrap());
            event.object = Object { target: Target::Product(ProductId::from_uuid(id)), title };
            event.share_code = Some(ShareCode::parse("s-0123456789ABCDEFGHIJ").unwrap());
        }
        let item = encode(company, &segment).unwrap();
        assert!(item.contains_key(PLAIN) && size(&item) <= 700, "{} bytes", size(&item));
    }
}
