//! A batch as it is sent: what of it is right, and what is dropped and why.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use domain::kernel::field::FieldError;
use domain::kernel::id::CardId;
use domain::kernel::text::{Line, ShareCode};
use domain::kernel::timestamp::Timestamp;
use domain::tracking::batch::{BatchId, CARDS_MAX, EVENTS_MAX};
use domain::tracking::client_time::{ClientTime, server_times};
use domain::tracking::event::{Event, EventKind, Object, ObjectType, TITLE_CHARS_MAX, Target};
use domain::tracking::filter_reason::FilterReason;
use edge::body::parse_part;
use edge::problem::{FieldProblem, Problem};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Hex characters of a fingerprint: 64 bits tell two contents of one batch id apart.
const FINGERPRINT_CHARS: usize = 16;

/// A batch of events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBatch {
    /// A UUIDv7. Make it once for a batch and send the same one with each retry. Its time must be
    /// at most 7 days old and at most 5 minutes ahead of the server.
    #[schema(format = "uuid")]
    batch_id: String,
    /// The time of this request by the clock of the client. Make it anew with each retry. The server
    /// corrects the event times by the error of the client's clock. Without it the clock counts as right.
    #[schema(value_type = Option<Timestamp>)]
    sent_at: Option<ClientTime>,
    /// The events in the order in which they were done, on at most 10 different cards.
    #[schema(value_type = Vec<NewEvent>, min_items = 1, max_items = 100)]
    events: Vec<Box<RawValue>>,
}

/// An event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvent {
    /// What the visitor did.
    kind: EventKind,
    /// The card on which it was done.
    card_id: CardId,
    /// When it was done, by the clock of the client. The server moves a batch as a whole into the 7
    /// days before it arrives.
    #[schema(value_type = Timestamp)]
    at: ClientTime,
    /// The object of the event. The card if absent. Required for views of products, articles and
    /// videos.
    object: Option<NewObject>,
    /// The share code that the visitor opened. A code that is none of the company's is left out.
    #[schema(value_type = Option<ShareCode>)]
    share_code: Option<SentText>,
    /// How long the visitor stayed, in milliseconds, 0 to 3,600,000. Required for `dwell`, not
    /// allowed otherwise.
    duration_ms: Option<u64>,
}

/// The object of an event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewObject {
    /// The type of the object.
    #[serde(rename = "type")]
    #[schema(value_type = ObjectType)]
    kind: String,
    /// The id of the object. Required for products, articles and videos.
    id: Option<String>,
    /// The title that the visitor saw. A batch keeps the first title of each object. A longer one is
    /// cut to 59 characters and `…`; control characters are left out.
    #[schema(value_type = Option<String>, max_length = 60)]
    title: Option<SentText>,
}

/// A text that the client sends as it has it, half an emoji too: what is cut to a number of UTF-16
/// units can end in one. It is read as U+FFFD.
#[derive(Debug)]
struct SentText(String);

impl<'de> Deserialize<'de> for SentText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SentText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<SentText, E> {
                Ok(SentText(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Text)
    }
}

/// An event that is not accepted. The others of its batch are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DroppedEvent {
    /// Its position in the batch, from 0.
    index: usize,
    /// A JSON pointer to the wrong field in the request body.
    #[schema(example = "/events/3/kind")]
    pointer: String,
    /// A stable code for programs. New codes can come; treat an unknown code like `invalid_value`.
    #[schema(example = "unknown_kind")]
    code: String,
    /// The problem in Chinese.
    detail: String,
}

impl DroppedEvent {
    fn new(index: usize, FieldProblem { pointer, code, detail }: FieldProblem) -> Self {
        Self { index, pointer: format!("/events/{index}{pointer}"), code, detail }
    }
}

/// An event that is right in itself.
#[derive(Debug)]
pub(crate) struct SentEvent {
    index: usize,
    at: ClientTime,
    /// At the time of arrival, until all events of the batch are known.
    pub(crate) event: Event,
}

/// What of a batch is right in itself.
#[derive(Debug)]
pub(crate) struct CheckedBatch {
    /// Its id.
    pub(crate) id: BatchId,
    /// Of all that was sent, but the time of sending: the same on every retry.
    pub(crate) fingerprint: String,
    /// How many events were sent.
    pub(crate) size: usize,
    /// Those that are right, in their order.
    pub(crate) events: Vec<SentEvent>,
    sent_at: Option<ClientTime>,
    dropped: Vec<DroppedEvent>,
}

impl NewBatch {
    /// All checks that need no call. Returns an error if the batch cannot be read as one.
    pub(crate) fn checked(self, received: Timestamp) -> Result<CheckedBatch, Problem> {
        let id = BatchId::parse(&self.batch_id, received).map_err(|error| Problem::field("/batch_id", &error))?;
        let size = self.events.len();
        if size == 0 || size > EVENTS_MAX {
            let error = FieldError::new("invalid_count", format!("每批应有 1 到 {EVENTS_MAX} 个事件"));
            return Err(Problem::field("/events", &error));
        }
        let (mut events, mut dropped) = (Vec::with_capacity(size), Vec::new());
        let mut cards = BTreeSet::new();
        for (index, sent) in self.events.iter().enumerate() {
            match checked(sent, received).and_then(|(at, event)| within(&mut cards, event).map(|event| (at, event))) {
                Ok((at, event)) => events.push(SentEvent { index, at, event }),
                Err(error) => dropped.push(DroppedEvent::new(index, error)),
            }
        }
        Ok(CheckedBatch { id, fingerprint: fingerprint(&self.events), size, events, sent_at: self.sent_at, dropped })
    }
}

fn checked(sent: &RawValue, received: Timestamp) -> Result<(ClientTime, Event), FieldProblem> {
    let new: NewEvent = parse_part(sent)?;
    let at = new.at;
    Ok((at, new.checked(received).map_err(|error| FieldProblem::new("", &error))?))
}

/// The event, if it is on one of the first [`CARDS_MAX`] cards of the batch.
fn within(cards: &mut BTreeSet<CardId>, event: Event) -> Result<Event, FieldProblem> {
    if cards.len() == CARDS_MAX && !cards.contains(&event.card) {
        let error = FieldError::new("too_many_cards", format!("每批最多涉及 {CARDS_MAX} 张名片")).at("/card_id");
        return Err(FieldProblem::new("", &error));
    }
    cards.insert(event.card);
    Ok(event)
}

impl NewEvent {
    fn checked(self, received: Timestamp) -> Result<Event, FieldError> {
        let object = self.object.map(NewObject::checked).transpose()?;
        let code = self.share_code.map(|SentText(code)| ShareCode::parse(&code).ok());
        let filtered = (code == Some(None)).then_some(FilterReason::UnknownShare);
        let event = Event::checked(self.kind, self.card_id, object, code.flatten(), received, self.duration_ms)?;
        Ok(Event { filtered, ..event })
    }
}

impl NewObject {
    fn checked(self) -> Result<Object, FieldError> {
        let target = Target::parse(&self.kind, self.id.as_deref()).map_err(|error| {
            let pointer = if error.pointer == "/id" { "/object/id" } else { "/object/type" };
            error.at(pointer)
        })?;
        Ok(Object { target, title: self.title.and_then(|SentText(title)| Line::<TITLE_CHARS_MAX>::cut(&title)) })
    }
}

impl CheckedBatch {
    /// Drops the events on cards that do not exist.
    pub(crate) fn drop_unknown(&mut self, exists: impl Fn(&CardId) -> bool) {
        let error = FieldError::new("unknown_card", "名片不存在").at("/card_id");
        let unknown = self.events.extract_if(.., |sent| !exists(&sent.event.card));
        self.dropped.extend(unknown.map(|sent| DroppedEvent::new(sent.index, FieldProblem::new("", &error))));
        self.dropped.sort_by_key(|dropped| dropped.index);
    }

    /// The events, at the times when they happened by the server's clock, and what was dropped.
    pub(crate) fn at_server_times(self, received: Timestamp) -> (Vec<Event>, Vec<DroppedEvent>) {
        let client: Vec<_> = self.events.iter().map(|sent| (sent.event.kind, sent.at)).collect();
        let times = server_times(&client, self.sent_at, received);
        let events = self.events.into_iter().zip(times).map(|(sent, at)| Event { at, ..sent.event });
        (events.collect(), self.dropped)
    }
}

/// Of the events as they were sent, those too that are dropped: a later version may know their kind.
fn fingerprint(events: &[Box<RawValue>]) -> String {
    let mut content = Context::new(&SHA256);
    for event in events {
        content.update(event.get().as_bytes());
        content.update(b"\n");
    }
    let hex: String = content.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..FINGERPRINT_CHARS].to_owned()
}

#[cfg(test)]
#[path = "new_batch_tests.rs"]
mod tests;
