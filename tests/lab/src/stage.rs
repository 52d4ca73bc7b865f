//! The stage of all trials: a company on the emulators, its functions, and its history.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use domain::kernel::id::CardId;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::people::member::Role;
use domain::tracking::batch::AcceptedBatch;
use housekeeping::Housekeeping;
use mingpian_tests::functions::{self, Functions};
use radar_aggregator::Aggregator;
use runtime::failed_messages::FailedMessageQueues;
use serde_json::{Value, json};
use testkit::emulators;
use testkit::events::{call, load};
use testkit::world::World;

use crate::environment::Places;
use crate::random::Random;
use crate::visits::{self, Visit};
use crate::wire::Wire;

/// Days of the history.
pub(crate) const DAYS: i64 = 30;
/// Visitors on each of these days.
const VISITORS_A_DAY: u64 = 6;
/// Members besides those of every world.
const MORE_MEMBERS: usize = 11;

/// A company.
pub(crate) struct Stage {
    /// The company.
    pub(crate) world: World,
    /// Its functions, with empty caches.
    pub(crate) functions: Box<Functions>,
    /// The aggregator for messages of the queue.
    pub(crate) aggregator: Aggregator<FailedMessageQueues>,
    /// The dead letters of the aggregator.
    pub(crate) dead_letters: (aws_sdk_sqs::Client, String),
}

impl Stage {
    /// A company without history.
    pub(crate) async fn empty() -> Self {
        Self::on(Box::pin(World::new()).await).await
    }

    async fn on(world: World) -> Self {
        let functions = Box::new(Box::pin(Functions::on(&world)).await);
        let dead_letters = emulators::queue().await;
        let (sqs, url) = dead_letters.clone();
        let aggregator = Aggregator {
            store: world.store.clone(),
            failed: FailedMessageQueues::new(sqs, functions.queue.1.clone(), url),
            max_attempts: 5,
            conflicts_end: Duration::from_secs(15),
            ids: world.ids.clone(),
            clock: world.clock.clock(),
        };
        Self { world, functions, aggregator, dead_letters }
    }

    /// A company of fifteen people with 30 days of visitors.
    pub(crate) async fn with_past() -> Self {
        Box::pin(Self::with_past_of(DAYS)).await
    }

    /// The same with this many days of visitors.
    pub(crate) async fn with_past_of(days: i64) -> Self {
        let stage = Box::pin(Self::empty()).await;
        stage.hire().await;
        let mut random = Random(1);
        for day in (0..days).rev() {
            let batches: Vec<_> = (0..VISITORS_A_DAY).map(|nth| stage.visit(day, nth, &mut random)).collect();
            stage.count(&batches).await;
        }
        // Leaderboards and rankings are made of pages that have a minimum age.
        stage.world.clock.advance(10 * 60 * SECOND_MS);
        stage.housekeeping().await.run(functions::no_stop(), "lab").await.expect("the run ends");
        stage
    }

    /// The visitor of the event files comes.
    pub(crate) async fn be_visited(&self) {
        self.count(&[self.visit(0, 0, &mut Random(1))]).await;
    }

    /// Adds members; returns the cards of the whole staff.
    pub(crate) async fn hire(&self) -> Vec<CardId> {
        let mut cards: Vec<_> = self.world.staff.values().filter_map(|staff| staff.card).collect();
        // The operator's file adds seats for the members.
        self.ask("organization", "add_seats").await;
        for number in 0..MORE_MEMBERS {
            let name = format!("成员{number}");
            let member = self.world.member(&name, Role::Staff);
            cards.extend(member.member.card);
            let (request, entry) = (self.world.request(&name), self.world.entry());
            let added = self.world.store.add_member(self.world.company, member, &entry, &request).await;
            added.expect("there are seats");
        }
        cards
    }

    /// A batch of 20 events of one of 40 visitors, this many days ago.
    fn visit(&self, days_ago: i64, nth: u64, random: &mut Random) -> AcceptedBatch {
        let card = self.world.card(["lin", "chen", "wang"][usize::try_from(nth % 3).unwrap_or_default()]);
        let received_at = self.world.clock.now().plus_millis(-days_ago * DAY_MS);
        let person = visits::person(random.below(40));
        // Every tenth day the visitor of the event files comes first.
        let person = if nth == 0 && days_ago % 10 == 0 { self.world.visitor } else { person };
        visits::batch(Visit { company: self.world.company.id(), person, card, received_at, events: 20 }, random)
    }

    /// The same company with empty caches of its functions.
    pub(crate) async fn afresh(self) -> Self {
        Self::on(self.world).await
    }

    /// Sends an event file; returns status and body.
    pub(crate) async fn ask(&self, function: &str, case: &str) -> (u16, Value) {
        self.send(function, &load(function, case, &self.world)).await
    }

    /// Sends a payload.
    pub(crate) async fn send(&self, function: &str, payload: &str) -> (u16, Value) {
        call(self.functions.router(function), payload).await
    }

    /// The boss's radar of a scope, `company` or `cards/…`.
    pub(crate) async fn radar(&self, scope: &str, operation: &str, query: &str) -> Value {
        let payload = load("radar", "get_company_today", &self.world);
        let mut payload: Value = serde_json::from_str(&payload).expect("an event file is JSON");
        let path = format!("/v1/radar/{scope}/{operation}");
        payload["rawPath"] = json!(path);
        payload["rawQueryString"] = json!(query);
        payload["requestContext"]["http"]["path"] = json!(path);
        let (status, answer) = self.send("radar", &payload.to_string()).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The environment of a function in a separate process, which calls AWS through a wire.
    pub(crate) fn places(&self, wire: &Wire) -> Places {
        Places {
            wire: wire.address().to_owned(),
            table: self.world.table.clone(),
            stats_queue: self.functions.queue.1.clone(),
            live_queue: self.functions.live_queue.clone(),
            dead_letters: self.dead_letters.1.clone(),
            jwks: self.world.keys.jwks.clone(),
        }
    }

    /// Bodies of at most ten dead letters.
    pub(crate) async fn dead_letters(&self) -> Vec<String> {
        let (sqs, url) = &self.dead_letters;
        let answer = sqs.receive_message().queue_url(url).max_number_of_messages(10).send().await;
        let messages = answer.expect("the queue answers").messages.unwrap_or_default();
        messages.into_iter().filter_map(|message| message.body).collect()
    }

    /// Runs the scheduled functions.
    pub(crate) async fn housekeeping(&self) -> Housekeeping {
        functions::housekeeping(&self.world, 60).await
    }

    /// Runs the nightly functions; no number is wrong.
    pub(crate) async fn recount(&self) {
        let stop_at = self.world.clock.now().plus_millis(60 * SECOND_MS);
        let done = functions::recounter(&self.world).run(json!({}), stop_at, "lab").await.expect("the run ends");
        assert_eq!(done["recounted"], 1);
    }

    /// Lets the aggregator count batches in one call.
    pub(crate) async fn count(&self, batches: &[AcceptedBatch]) {
        let response = radar_aggregator::handle(&self.aggregator, delivery(batches), "lab").await;
        assert!(response.batch_item_failures.is_empty(), "every message is counted");
    }
}

/// Messages as the queue delivers them.
pub(crate) fn delivery(batches: &[AcceptedBatch]) -> SqsEvent {
    let record = |(nth, batch): (usize, &AcceptedBatch)| {
        let body = serde_json::to_string(batch).expect("a batch is JSON");
        json!({"messageId": format!("m{nth}"), "body": body, "attributes": {"ApproximateReceiveCount": "1"}})
    };
    let records: Vec<_> = batches.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).expect("an SQS event")
}
