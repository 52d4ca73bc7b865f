//! Lines of the feed: what visitors did, as the radar and its live sockets show it.

use domain::kernel::id::{CardId, PersonId};
use domain::kernel::text::ShareCode;
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::{Segment, SegmentKey};
use domain::radar::feed::{describe_event, is_late, visitor_name};
use domain::tracking::event::{Event, EventKind, ObjectType};
use domain::tracking::filter_reason::FilterReason;
use serde::Serialize;
use utoipa::ToSchema;

/// An event in the feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedLine {
    /// A stable id of the line.
    id: String,
    /// When the event happened.
    at: Timestamp,
    /// When the server received it.
    received_at: Timestamp,
    /// Whether it was received more than five minutes after it happened: the phone was offline.
    late: bool,
    /// What the visitor did.
    kind: EventKind,
    /// Who did it.
    visitor: Visitor,
    /// The card on which it was done.
    card_id: CardId,
    /// The object of the event.
    object: FeedObject,
    /// The share code that the visitor opened. `null` if there is none, or none of the company's.
    share_code: Option<ShareCode>,
    /// How long the visitor stayed, in milliseconds. `null` if the event is no `dwell`.
    duration_ms: Option<u32>,
    /// Why the event is held back. `null` if it is not. Events of `anonymous` and `unknown_share`
    /// count all the same: the first are no evidence until the login, the others have no share
    /// code.
    filtered: Option<FilterReason>,
    /// The event in Chinese, to show to the user.
    #[schema(example = "访客0AFE 查看了商品《智能门锁》")]
    text: String,
}

/// The person of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visitor {
    /// The person.
    person_id: PersonId,
    /// The name to show: `访客` and four characters while the name is not known.
    name: String,
}

/// The object of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedObject {
    /// The type of the object.
    #[serde(rename = "type")]
    #[schema(value_type = ObjectType)]
    kind: &'static str,
    /// The id of the object. `null` for the card and the website.
    id: Option<String>,
    /// The title that the visitor saw. `null` if it is not known.
    title: Option<String>,
}

/// The events of a segment, the latest first.
pub fn newest_first(segment: &Segment) -> Vec<&Event> {
    let mut events: Vec<_> = segment.events.iter().rev().collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events
}

/// Sorts the lines of a page: the last received first, and among equal ones the latest event first. The
/// cursor is a position in the log, so the order within a page does not affect it.
pub fn sort_by_receipt(lines: &mut [FeedLine]) {
    lines.sort_by_key(|line| std::cmp::Reverse((line.received_at, line.at)));
}

/// The line of the `number`-th oldest event of its segment.
pub fn feed_line(segment: &Segment, event: &Event, number: usize) -> FeedLine {
    let SegmentKey { card, batch, person } = segment.key;
    let name = visitor_name(person);
    FeedLine {
        id: format!("{}.{person}.{card}.{number}", batch.uuid()),
        at: event.at,
        received_at: segment.received_at,
        late: is_late(event.at, segment.received_at),
        kind: event.kind,
        text: format!("{name} {}", describe_event(event)),
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
