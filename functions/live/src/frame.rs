//! The text frames of a socket, both ways.

use std::borrow::Cow;

use domain::kernel::budget::OverBudget;
use domain::kernel::id::CardId;
use domain::radar::live::Seq;
use edge::feed::{FeedLine, feed_line, newest_first};
use serde::{Deserialize, Serialize};
use store::Numbered;

/// Longest frame of a client, in bytes.
const ACTION_BYTES_MAX: usize = 1_024;

/// A frame of the client.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// The client is alive.
    Ping {},
    /// The last number that the client has seen; `None` for a new client.
    Resume {
        #[serde(default)]
        last_seq: Option<Seq>,
    },
}

impl Action {
    /// Reads a client's frame.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > ACTION_BYTES_MAX { None } else { serde_json::from_str(text).ok() }
    }
}

/// A frame of the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Frame {
    /// The client is up to date at `seq`: its numbers continued (`resumable`), or begin here.
    Hello { card_id: CardId, seq: Seq, resumable: bool },
    /// The events of one visitor on the card in one batch; lines as in the feed, the latest first.
    Events { card_id: CardId, seq: Seq, items: Vec<FeedLine> },
    /// The answer to a ping: the last number of the card.
    Pong { card_id: CardId, seq: Seq },
    /// The client was away for too long: it must read the feed, and its numbers begin here.
    Reset { card_id: CardId, seq: Seq },
    /// The client's frame cannot be read, or comes too soon.
    Error {
        code: &'static str,
        detail: Cow<'static, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        budget: Option<&'static str>,
        /// Seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
}

impl Frame {
    /// The frame of a numbered segment.
    pub(crate) fn events(message: &Numbered) -> Self {
        let events = newest_first(&message.segment);
        let line = |(position, event)| feed_line(&message.segment, event, events.len() - position);
        let items = events.iter().copied().enumerate().map(line).collect();
        Self::Events { card_id: message.segment.key.card, seq: message.seq, items }
    }

    /// The answer to an unreadable frame.
    pub(crate) fn unknown_action() -> Self {
        let detail = Cow::Borrowed("未知的操作，可用的有 ping、resume");
        Self::Error { code: "unknown_action", detail, budget: None, retry_after: None }
    }

    /// The answer to a frame over a budget.
    pub(crate) fn over_budget(over: OverBudget) -> Self {
        Self::Error {
            code: "budget_exhausted",
            detail: over.detail().into(),
            budget: Some(over.budget.name()),
            retry_after: Some(over.retry_after_s()),
        }
    }

    /// The text to send.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use domain::company::department::DepartmentPath;
    use domain::kernel::id::{Id, PersonId, ProductId};
    use domain::kernel::text::{Line, ShareCode};
    use domain::kernel::timestamp::Timestamp;
    use domain::radar::aggregate::{Segment, SegmentKey};
    use domain::tracking::batch::{BatchId, EVENTS_MAX};
    use domain::tracking::event::{Event, EventKind, Object, TITLE_CHARS_MAX, Target};

    use super::*;

    /// The size limit of the gateway for one message.
    const FRAME_BYTES_MAX: usize = 128 * 1_024;

    fn segment(events: usize, title: &str) -> Segment {
        let id = uuid::Uuid::from_u128;
        let card = CardId::from_uuid(id(1));
        let received_at = Timestamp::parse("2026-11-21T12:00:00.123+08:00").unwrap();
        let event = |n: usize| Event {
            kind: EventKind::Dwell,
            card,
            object: Object { target: Target::Product(ProductId::from_uuid(id(2))), title: Line::parse(title).ok() },
            share_code: Some(ShareCode::from_secret([7; 16])),
            at: received_at.plus_millis(-i64::try_from(n).unwrap()),
            duration_ms: Some(3_600_000),
            filtered: None,
        };
        let key = SegmentKey { card, batch: BatchId::from_uuid(id(3)), person: PersonId::from_uuid(id(4)) };
        let (departments, events) = (DepartmentPath::default(), (0..events).map(event).collect());
        Segment { key, fingerprint: String::new(), received_at, anonymous: false, rules: 1, departments, events }
    }

    #[test]
    fn the_largest_frame_fits_into_one_message_of_the_gateway() {
        for title in ["🀄".repeat(TITLE_CHARS_MAX), "\"".repeat(TITLE_CHARS_MAX)] {
            let segment = segment(EVENTS_MAX, &title);
            assert!(segment.events[0].object.title.is_some());
            let text = Frame::events(&Numbered { seq: Seq::new(u64::MAX), segment }).text();
            assert!(text.len() <= FRAME_BYTES_MAX, "{} bytes", text.len());
        }
    }

    #[test]
    fn lines_are_those_of_the_feed() {
        let frame = Frame::events(&Numbered { seq: Seq::new(7), segment: segment(2, "门锁") }).text();
        let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
        assert_eq!((&frame["type"], &frame["seq"]), (&"events".into(), &7.into()));
        let items = frame["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert!(items[0]["id"].as_str().unwrap().ends_with(".2"), "the latest line is the first");
        assert_eq!(items[0]["card_id"], frame["card_id"]);
    }

    #[test]
    fn only_known_actions_are_read() {
        assert_eq!(Action::parse(r#"{"action":"ping"}"#), Some(Action::Ping {}));
        assert_eq!(Action::parse(r#"{"action":"resume"}"#), Some(Action::Resume { last_seq: None }));
        let resume = Action::Resume { last_seq: Some(Seq::new(9)) };
        assert_eq!(Action::parse(r#"{"action":"resume","last_seq":9}"#), Some(resume));
        for bad in [
            "",
            "ping",
            "{}",
            r#"{"action":"subscribe"}"#,
            r#"{"action":"ping","card_id":"x"}"#,
            r#"{"action":"resume","last_seq":-1}"#,
            r#"{"action":"resume","last_seq":"9"}"#,
        ] {
            assert_eq!(Action::parse(bad), None, "{bad}");
        }
        assert_eq!(Action::parse(&format!("{}{}", r#"{"action":"ping"}"#, " ".repeat(ACTION_BYTES_MAX))), None);
    }
}
