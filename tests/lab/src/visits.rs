//! Generated visits: events of people on cards, the same for the same seed.

use std::collections::BTreeMap;

use domain::kernel::id::{ArticleId, CardId, CompanyId, Id, PersonId, ProductId};
use domain::kernel::text::{Line, ShareCode};
use domain::kernel::timestamp::Timestamp;
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use uuid::{Builder, Uuid};

use crate::random::Random;

const TITLES: [&str; 4] = ["新会陈皮普洱·十年陈", "武夷岩茶 大红袍礼盒", "智能门锁 S1 旗舰版", "云杉茶业品牌故事"];

/// A visit to generate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    /// The company of the mini-program.
    pub(crate) company: CompanyId,
    /// The visitor.
    pub(crate) person: PersonId,
    /// The card.
    pub(crate) card: CardId,
    /// When the batch arrives.
    pub(crate) received_at: Timestamp,
    /// How many events it has.
    pub(crate) events: u32,
}

/// The person with this number.
pub(crate) fn person(number: u64) -> PersonId {
    PersonId::from_uuid(made(1_790_000_000_000, u128::from(number)))
}

/// The batch of a visit: its events lie in the last minutes before it arrives.
pub(crate) fn batch(visit: Visit, random: &mut Random) -> AcceptedBatch {
    let Visit { company, person, card, received_at, events } = visit;
    let number = random.below(u64::MAX);
    let mut share = random.below(4) == 0;
    let events = (0..events).map(|position| {
        let before = i64::from(events - position) * 3_000 + i64::try_from(random.below(3_000)).unwrap_or_default();
        let mut event = event(card, received_at.plus_millis(-before), position == 0, random);
        event.share_code = ShareCode::parse("s0123456789").ok().filter(|_| std::mem::take(&mut share));
        event
    });
    AcceptedBatch {
        v: 1,
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        company,
        person,
        events: events.collect(),
        batch: BatchId::from_uuid(made(received_at.millis(), u128::from(number))),
        fingerprint: format!("{number:016x}"),
        received_at,
    }
}

/// Of twenty events about six are views of the card, seven of products and articles, three
/// durations, and the rest are forwards, likes, saves, calls and chats.
fn event(card: CardId, at: Timestamp, opens: bool, random: &mut Random) -> Event {
    use EventKind::{Call, Dwell, Forward, Like, OpenChat, SavePhone, Unlike, ViewArticle, ViewCard, ViewProduct};
    let object = random.below(4);
    let kind = match if opens { 0 } else { random.below(20) } {
        0..6 => ViewCard,
        6..13 if object == 3 => ViewArticle,
        6..13 => ViewProduct,
        13..16 => Dwell,
        16 => Forward,
        17 => {
            if object == 3 {
                Unlike
            } else {
                Like
            }
        }
        18 => {
            if object == 3 {
                SavePhone
            } else {
                Call
            }
        }
        _ => OpenChat,
    };
    let id = made(1_780_000_000_000, u128::from(object));
    let target = if kind == ViewProduct {
        Target::Product(ProductId::from_uuid(id))
    } else if kind == ViewArticle {
        Target::Article(ArticleId::from_uuid(id))
    } else {
        Target::Card
    };
    let title = (target != Target::Card).then(|| TITLES[usize::try_from(object).unwrap_or_default()]);
    let duration_ms = (kind == Dwell).then(|| u32::try_from(1_000 + random.below(2_000)).unwrap_or_default());
    let object = Object { target, title: title.and_then(|title| Line::parse(title).ok()) };
    Event { kind, card, object, share_code: None, at, duration_ms, filtered: None }
}

/// A UUIDv7 of this time.
pub(crate) fn made(millis: i64, number: u128) -> Uuid {
    let bytes = number.to_le_bytes();
    let bytes: [u8; 10] = std::array::from_fn(|place| bytes[place]);
    Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &bytes).into_uuid()
}
