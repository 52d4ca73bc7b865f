//! Lines of the feed: what visitors did, as the radar and its live sockets show it.

use domain::aggregate::{Segment, SegmentKey};
use domain::event::{Event, EventKind};
use domain::filter::FilterReason;
use domain::id::{CardId, PersonId};
use domain::sentence::{sentence, visitor_name};
use domain::text::ShareCode;
use domain::timestamp::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// One thing a visitor did.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedLine {
    /// Stable id of the line.
    id: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// When it reached us.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// What was done.
    #[schema(value_type = String, example = "view_product")]
    kind: EventKind,
    /// Who did it.
    visitor: Visitor,
    /// The card it was done on.
    #[schema(value_type = String)]
    card_id: CardId,
    /// What it was about.
    object: FeedObject,
    /// The share that led there.
    #[schema(value_type = Option<String>)]
    share_code: Option<ShareCode>,
    /// How long, for `dwell`.
    duration_ms: Option<u32>,
    /// Why it is not counted: `bot`, `own`, `colleague` or `burst`; `null` for what is.
    #[schema(value_type = Option<String>)]
    filtered: Option<FilterReason>,
    /// All of it, in Chinese.
    #[schema(example = "访客0AFE 查看了商品《智能门锁》")]
    text: String,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visitor {
    #[schema(value_type = String)]
    person_id: PersonId,
    /// `访客` and four characters until his name is known.
    name: String,
}

/// What something was done with.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedObject {
    /// `card`, `product`, `article`, `video` or `website`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// For products, articles and videos.
    id: Option<String>,
    /// The title the visitor saw, if he told.
    title: Option<String>,
}

/// The events of a segment, the latest first.
pub fn newest_first(segment: &Segment) -> Vec<&Event> {
    let mut events: Vec<_> = segment.events.iter().rev().collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events
}

/// Sorts lines of several segments: the last received first, and of one time of receipt the latest event first.
pub fn sort_by_receipt(lines: &mut [FeedLine]) {
    lines.sort_by_key(|line| std::cmp::Reverse((line.received_at, line.at)));
}

/// What the feed says of an event, the `number`-th oldest of its segment.
pub fn feed_line(segment: &Segment, event: &Event, number: usize) -> FeedLine {
    let SegmentKey { card, batch, person } = segment.key;
    let name = visitor_name(person);
    FeedLine {
        id: format!("{}.{person}.{card}.{number}", batch.uuid()),
        at: event.at,
        received_at: segment.received_at,
        kind: event.kind,
        text: format!("{name} {}", sentence(event)),
        visitor: Visitor { person_id: person, name },
        card_id: card,
        object: FeedObject {
            kind: event.object.target.type_name(),
            id: event.object.target.id(),
            title: event.object.title.as_ref().map(ToString::to_string),
        },
        share_code: event.share_code.clone(),
        duration_ms: event.duration_ms,
        filtered: event.filtered,
    }
}
