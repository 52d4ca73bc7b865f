//! What ingest makes of batches that are not all right: wrong clocks, bad events, strange characters.
//! From the request over a real queue to the radar.

use aws_lambda_events::sqs::SqsEvent;
use domain::kernel::text::is_sendable;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::tracking::batch::AcceptedBatch;
use serde_json::{Value, json};
use testkit::events::{call, load};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::aggregator;
use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;
use crate::http::send;
use crate::pipeline::receive;

const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A visitor, and a phone whose clock is off.
struct Phone {
    world: World,
    functions: Functions,
    off_ms: i64,
}

impl Phone {
    async fn new(off_ms: i64) -> Self {
        let world = World::new().await;
        Self { functions: Functions::on(&world).await, world, off_ms }
    }

    /// The time of the phone, this long ago.
    fn ago(&self, ms: i64) -> Timestamp {
        self.world.clock.now().plus_millis(self.off_ms - ms)
    }

    /// An event on the card of `lin`.
    fn event(&self, kind: &str, ago_ms: i64) -> Value {
        json!({"kind": kind, "card_id": self.world.card("lin"), "at": self.ago(ago_ms)})
    }

    async fn send(&self, number: u8, events: &[Value], sent_at: Option<Timestamp>) -> (u16, Value) {
        let id = batch_id(self.world.clock.now(), number);
        let mut body = json!({"batch_id": id, "events": events});
        if let Some(sent_at) = sent_at {
            body["sent_at"] = json!(sent_at);
        }
        let token = self.world.token("visitor");
        send(self.functions.router("tracking"), ("POST", "/v1/events"), (Some(&token), None), Some(body)).await
    }

    /// The messages in the aggregator's queue; they are in the other one too.
    async fn sent(&self) -> SqsEvent {
        let stats = receive(&self.functions, &self.functions.queue.1).await;
        let live = receive(&self.functions, &self.functions.live_queue).await;
        let bodies = |event: &SqsEvent| event.records.iter().map(|record| record.body.clone()).collect::<Vec<_>>();
        assert_eq!(bodies(&stats), bodies(&live));
        stats
    }

    async fn count(&self, messages: SqsEvent) {
        let aggregator = aggregator(&self.world, KeptDeadLetters::default());
        let failed = radar_aggregator::handle(&aggregator, messages, "r").await.batch_item_failures;
        assert!(failed.is_empty() && aggregator.failed.0.lock().unwrap().is_empty());
    }

    async fn see(&self, what: &str) -> Value {
        let path = format!("/v1/radar/cards/{}/{what}", self.world.card("lin"));
        let token = self.world.token("lin");
        let (status, seen) = send(self.functions.router("radar"), ("GET", &path), (Some(&token), None), None).await;
        assert_eq!(status, 200, "{path}: {seen}");
        seen
    }
}

fn batch_id(at: Timestamp, number: u8) -> Uuid {
    let ms = u64::try_from(at.millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(ms, &[number; 10]).into_uuid()
}

/// Of the lines of a feed, the newest first.
fn each<'a>(feed: &'a Value, name: &str) -> Vec<&'a Value> {
    feed["items"].as_array().unwrap().iter().map(|line| &line[name]).collect()
}

#[tokio::test]
async fn a_phone_that_is_an_hour_ahead_counts_as_if_it_were_right() {
    for (off_ms, tells) in [(0, false), (HOUR_MS, true), (HOUR_MS, false), (-HOUR_MS, true), (-30 * 24 * HOUR_MS, true)]
    {
        let phone = Phone::new(off_ms).await;
        // Fifteen views two minutes apart: all at one instant they were a burst with a limit of ten. Then
        // a like, its removal and the like again.
        let mut events: Vec<_> = (0..15).map(|n| phone.event("forward", 35 * MINUTE_MS - n * 2 * MINUTE_MS)).collect();
        events.extend(["like", "unlike", "like"].map(|kind| phone.event(kind, MINUTE_MS)));
        let (status, answer) = phone.send(1, &events, tells.then(|| phone.ago(0))).await;
        assert_eq!((status, &answer["accepted"], &answer["dropped"]), (202, &json!(18), &json!([])), "{answer}");
        phone.count(phone.sent().await).await;

        let total = &phone.see("metrics").await["windows"]["total"];
        assert_eq!((&total["forwards"], &total["likes"]), (&json!(15), &json!(1)), "off by {off_ms}, tells {tells}");
        let feed = phone.see("feed?limit=100&filtered=include").await;
        assert!(each(&feed, "filtered").iter().all(|reason| reason.is_null()), "{feed}");
        assert_eq!(each(&feed, "kind")[..3], ["like", "unlike", "like"]);
        let at: Vec<_> = each(&feed, "at").iter().map(|at| Timestamp::parse(at.as_str().unwrap()).unwrap()).collect();
        assert!(at[3..].windows(2).all(|pair| pair[0].millis() - pair[1].millis() == 2 * MINUTE_MS), "{at:?}");
        let last = if off_ms > 0 && !tells { 0 } else { MINUTE_MS };
        assert_eq!(phone.world.clock.now().millis() - at[0].millis(), last);
        let late = each(&feed, "late").iter().filter(|late| late.as_bool().unwrap()).count();
        let older = at.iter().filter(|at| phone.world.clock.now().millis() - at.millis() > 5 * MINUTE_MS).count();
        assert!(late == older && late > 0);
    }
}

#[tokio::test]
async fn a_retry_with_a_later_time_of_sending_is_the_same_batch() {
    let phone = Phone::new(HOUR_MS).await;
    let events = [phone.event("view_card", MINUTE_MS), phone.event("save_phone", SECOND_MS)];
    let first = phone.send(1, &events, Some(phone.ago(0))).await;
    let message = phone.sent().await;
    let batch: AcceptedBatch = serde_json::from_str(message.records[0].body.as_deref().unwrap()).unwrap();
    let at = phone.world.clock.now().plus_millis(-SECOND_MS);
    assert_eq!(batch.events[1].at, at, "the message has the times of the server");
    phone.count(message).await;
    for (later_ms, sent_at) in [(10 * SECOND_MS, true), (10 * SECOND_MS, false), (HOUR_MS, true)] {
        phone.world.clock.advance(later_ms);
        let sent_at = sent_at.then(|| phone.ago(-17));
        let again = send_again(&phone, &first.1["batch_id"], &events, sent_at).await;
        let said = |(status, answer): &(u16, Value)| (*status, answer["accepted"].clone(), answer["dropped"].clone());
        assert_eq!(said(&again), said(&first));
        phone.count(phone.sent().await).await;
    }
    let feed = phone.see("feed?filtered=include").await;
    assert_eq!(each(&feed, "at"), [&json!(at), &json!(at.plus_millis(SECOND_MS - MINUTE_MS))], "as at first: {feed}");
}

async fn send_again(phone: &Phone, id: &Value, events: &[Value], sent_at: Option<Timestamp>) -> (u16, Value) {
    let mut body = json!({"batch_id": id, "events": events});
    if let Some(sent_at) = sent_at {
        body["sent_at"] = json!(sent_at);
    }
    let token = phone.world.token("visitor");
    send(phone.functions.router("tracking"), ("POST", "/v1/events"), (Some(&token), None), Some(body)).await
}

#[tokio::test]
async fn what_is_right_of_a_batch_is_counted_and_the_rest_is_named() {
    let phone = Phone::new(0).await;
    let mut long = phone.event("view_product", 4_000);
    long["object"] = json!({"type": "product", "id": "prd_06h007c7d5pa171ucul7nm7688", "title": "茶".repeat(62)});
    let mut gone = phone.event("view_card", 3_000);
    gone["card_id"] = json!("crd_00000000000000000000000000");
    let mut foreign = phone.event("view_card", 2_000);
    foreign["share_code"] = json!("no share code at all");
    let events = [long, phone.event("teleport", 3_500), gone, foreign, phone.event("dwell", 1_000)];
    let first = phone.send(1, &events, None).await;
    let named: Vec<_> = ["index", "pointer", "code"]
        .iter()
        .map(|name| first.1["dropped"].as_array().unwrap().iter().map(|event| event[*name].clone()).collect::<Vec<_>>())
        .collect();
    assert_eq!((first.0, &first.1["accepted"]), (202, &json!(2)), "{}", first.1);
    assert_eq!(
        json!(named),
        json!([
            [1, 2, 4],
            ["/events/1/kind", "/events/2/card_id", "/events/4/duration_ms"],
            ["unknown_kind", "unknown_card", "required"],
        ])
    );
    assert_eq!(phone.send(1, &events, None).await, first, "a retry is answered the same");
    let messages = phone.sent().await;
    assert_eq!(messages.records.len(), 2);
    phone.count(messages).await;
    let feed = phone.see("feed?filtered=include").await;
    assert_eq!(each(&feed, "kind"), ["view_card", "view_product"], "once each");
    assert_eq!(each(&feed, "filtered"), [&json!("unknown_share"), &Value::Null]);
    assert_eq!(feed["items"][1]["object"]["title"], json!("茶".repeat(59) + "…"));
    let mut other = events;
    other[1] = phone.event("fly", 3_500);
    assert_eq!(phone.send(1, &other, None).await.0, 409, "what was dropped is a part of the content");
}

#[tokio::test]
async fn a_batch_of_which_nothing_is_right_reaches_no_queue() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    for _ in 0..2 {
        let event = load("tracking", "record_events.unknown_card", &world);
        let (status, answer) = call(functions.router("tracking"), &event).await;
        assert_eq!(
            (status, &answer["accepted"], &answer["dropped"][0]["code"]),
            (202, &json!(0), &json!("unknown_card"))
        );
    }
    let (sqs, url) = &functions.queue;
    assert!(sqs.receive_message().queue_url(url).send().await.unwrap().messages().is_empty());
}

/// One or more of every class of characters, and both sides of what SQS takes.
const CHARACTERS: [(char, bool); 32] = [
    ('\0', false),
    ('\u{1}', false),
    ('\u{8}', false),
    ('\t', false),
    ('\n', false),
    ('\u{b}', false),
    ('\r', false),
    ('\u{1f}', false),
    (' ', true),
    ('"', true),
    ('\\', true),
    ('/', true),
    ('~', true),
    ('\u{7f}', false),
    ('\u{85}', false),
    ('\u{9f}', false),
    ('\u{a0}', true),
    ('é', true),
    ('\u{301}', true),
    ('\u{200d}', false),
    ('\u{202e}', false),
    ('\u{2028}', false),
    ('中', true),
    ('\u{d7ff}', true),
    ('\u{e000}', true),
    ('\u{fdd0}', true),
    ('\u{feff}', false),
    ('\u{fffd}', false),
    ('\u{fffe}', false),
    ('\u{ffff}', false),
    ('𠀀', true),
    ('\u{10ffff}', true),
];

#[tokio::test]
async fn a_queue_takes_a_title_of_any_character() {
    let phone = Phone::new(0).await;
    // Alone, so that none hides another, and all together.
    let all: String = CHARACTERS.iter().map(|(c, _)| format!("{c}.")).collect();
    let alone = CHARACTERS.iter().map(|(c, _)| format!("a{c}b"));
    for (number, title) in (1..).zip(alone.chain([all])) {
        let mut event = phone.event("view_product", 1_000);
        event["object"] = json!({"type": "product", "id": "prd_06h007c7d5pa171ucul7nm7688", "title": title});
        let (status, answer) = phone.send(number, &[event], None).await;
        assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{title:?}: {answer}");
        let messages = phone.sent().await;
        let body = messages.records[0].body.clone().unwrap();
        // The emulator may take more than SQS does.
        assert!(body.chars().all(is_sendable), "{title:?}: {body:?}");
        let batch: AcceptedBatch = serde_json::from_str(&body).unwrap();
        let kept = batch.events[0].object.title.as_ref().unwrap().as_str().to_owned();
        if let Some((c, is_kept)) = CHARACTERS.get(usize::from(number) - 1) {
            assert_eq!(kept.contains(*c), *is_kept, "{c:?}: {kept:?}");
        }
        phone.count(messages).await;
    }
    assert_eq!(
        phone.see("feed?limit=100&filtered=include").await["items"].as_array().unwrap().len(),
        CHARACTERS.len() + 1
    );
}
