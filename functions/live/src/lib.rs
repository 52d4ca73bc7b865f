//! The live radar: a card's owner opens a socket, and events on the card are pushed to it. Sequence
//! numbers show the owner which frames they have missed; the radar by HTTP stays the truth.

mod deliver;
mod frame;
mod handshake;
mod rights;
mod socket;
mod watch;

use aws_lambda_events::sqs::SqsEvent;
use edge::budget::MemoryBudgets;
use edge::token::TokenVerifier;
use runtime::batch;
use runtime::clock::Clock;
use runtime::delivery::Delivery;
use runtime::failed_messages::FailedMessages;
use runtime::metrics::{EmfMetrics, emit};
use runtime::sockets::Sockets;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Store;

use crate::handshake::Handshake;
use crate::rights::MemberChanges;
use crate::socket::SocketEvent;

/// The state that the handlers share.
pub struct Live<S, D> {
    /// The table.
    pub store: Store,
    /// Checks bearer tokens.
    pub tokens: TokenVerifier,
    /// Open sockets.
    pub sockets: S,
    /// What becomes of messages that were not processed.
    pub failed: D,
    /// Deliveries after which a message goes to the dead-letter queue.
    pub max_attempts: u32,
    /// What members may send by their sockets, as far as this process knows.
    pub budgets: MemoryBudgets,
    /// Returns the time.
    pub clock: Clock,
}

/// The payload of a call.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    /// The gateway asks whether a client may open a socket.
    Handshake(Handshake),
    /// An event of a socket.
    Socket(SocketEvent),
    /// Changes of members, from the table's stream.
    Rights(MemberChanges),
    /// Accepted batches of events.
    Queue(SqsEvent),
}

/// The log line of a handshake, or of a socket event.
#[derive(Debug, Serialize)]
struct SocketLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    event: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    socket_events: u32,
    socket_errors: u32,
}

impl EmfMetrics for SocketLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("socket_events", "Count"), ("socket_errors", "Count")];
}

/// The log line of a queue batch.
#[derive(Debug, Serialize)]
struct DeliveryLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    messages: usize,
    numbered: usize,
    frames: usize,
    gone: usize,
    retried: usize,
}

impl EmfMetrics for DeliveryLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] =
        &[("messages", "Count"), ("numbered", "Count"), ("frames", "Count"), ("gone", "Count"), ("retried", "Count")];
}

/// The log line of changes of members.
#[derive(Debug, Serialize)]
struct RightsLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    changes: usize,
    gone: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    rights_errors: usize,
}

impl EmfMetrics for RightsLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("gone", "Count"), ("rights_errors", "Count")];
}

/// The longest time from accepting a batch to pushing it.
#[derive(Debug, Serialize)]
struct DelayLine {
    function: &'static str,
    delay_ms: i64,
}

impl EmfMetrics for DelayLine {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("delay_ms", "Milliseconds")];
}

/// Handles one call.
pub async fn handle<S: Sockets, D: FailedMessages>(live: &Live<S, D>, trigger: Trigger, request_id: &str) -> Value {
    match trigger {
        Trigger::Handshake(handshake) => {
            let (answer, outcome) = handshake.answer(&live.tokens, live.clock.now());
            socket_line(live, request_id, "handshake", Ok(outcome));
            answer
        }
        Trigger::Socket(event) => {
            let name = event.name();
            let (status, outcome) = socket::handle(live, event).await;
            socket_line(live, request_id, name, outcome);
            json!({ "statusCode": status })
        }
        Trigger::Rights(changes) => rights(live, changes, request_id).await,
        Trigger::Queue(event) => serde_json::to_value(queue(live, event, request_id).await).unwrap_or_default(),
    }
}

fn socket_line<S, D>(live: &Live<S, D>, request_id: &str, event: &'static str, outcome: Result<&'static str, String>) {
    let failed = outcome.is_err();
    let line = SocketLine {
        level: if failed { "ERROR" } else { "INFO" },
        message: "socket",
        function: "live",
        request_id,
        event,
        outcome: outcome.as_ref().copied().unwrap_or("failed"),
        cause: outcome.err(),
        socket_events: 1,
        socket_errors: u32::from(failed),
    };
    emit(&line, live.clock.now());
}

async fn rights<S: Sockets, D>(live: &Live<S, D>, changes: MemberChanges, request_id: &str) -> Value {
    let changes_seen = changes.len();
    let (answer, closed) = rights::close(live, changes).await;
    let line = RightsLine {
        level: if closed.cause.is_some() { "ERROR" } else { "INFO" },
        message: "rights",
        function: "live",
        request_id,
        changes: changes_seen,
        gone: closed.gone,
        rights_errors: usize::from(closed.cause.is_some()),
        cause: closed.cause,
    };
    emit(&line, live.clock.now());
    answer
}

async fn queue<S: Sockets, D: FailedMessages>(
    live: &Live<S, D>,
    event: SqsEvent,
    request_id: &str,
) -> aws_lambda_events::sqs::SqsBatchResponse {
    let messages = event.records.len();
    let mut done = deliver::Done::default();
    let response = batch::handle(event, live.max_attempts, &live.failed, async |deliveries: &[Delivery]| {
        let (outcomes, counts) = deliver::deliver(live, deliveries).await;
        done = counts;
        outcomes
    })
    .await;
    let line = DeliveryLine {
        level: "INFO",
        message: "batch",
        function: "live",
        request_id,
        messages,
        numbered: done.numbered,
        frames: done.frames,
        gone: done.gone,
        retried: response.batch_item_failures.len(),
    };
    emit(&line, live.clock.now());
    if let Some(delay_ms) = done.delay_ms {
        emit(&DelayLine { function: "live", delay_ms }, live.clock.now());
    }
    response
}
