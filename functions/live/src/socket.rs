//! Socket events: open, close, frame of the client.

use std::collections::BTreeMap;

use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::{BudgetName, OverBudget};
use domain::kernel::failure::{Failure, Resource};
use domain::radar::live::{CATCH_UP_MAX, LiveState, Resume, Seq, SocketId};
use edge::socket::Watcher;
use runtime::metrics::{BudgetRefusal, emit};
use runtime::sockets::{NotSent, Sockets};
use serde::Deserialize;
use serde_json::Value;

use crate::Live;
use crate::frame::{Action, Frame};
use crate::watch::{close_all, joined, left};

/// A socket event from the gateway.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    event_type: EventType,
    connection_id: String,
    /// The context that the handshake's answer left with the socket.
    #[serde(default)]
    authorizer: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum EventType {
    Connect,
    Message,
    Disconnect,
}

impl SocketEvent {
    /// For the log.
    pub(crate) fn name(&self) -> &'static str {
        match self.request_context.event_type {
            EventType::Connect => "connect",
            EventType::Message => "message",
            EventType::Disconnect => "disconnect",
        }
    }
}

/// The outcome for the log, or the cause of a failure.
type SocketResult = Result<&'static str, String>;

/// Handles an event; returns the HTTP status for the gateway.
pub(crate) async fn handle<S: Sockets, D>(live: &Live<S, D>, event: SocketEvent) -> (u16, SocketResult) {
    let Some(watcher) = Watcher::from_context(&event.request_context.authorizer) else {
        return (401, Ok("unknown"));
    };
    let socket = SocketId::new(event.request_context.connection_id);
    let done = match event.request_context.event_type {
        EventType::Connect => open(live, &watcher, &socket).await,
        EventType::Disconnect => close(live, &watcher, &socket).await,
        EventType::Message => message(live, &watcher, &socket, event.body.as_deref().unwrap_or_default()).await,
    };
    let is_new = matches!(event.request_context.event_type, EventType::Connect);
    match done {
        Err(Failure::RightsChanged) if is_new => (401, Ok("rights_changed")),
        Err(Failure::CompanySuspended) if is_new => (403, Ok("company_suspended")),
        Err(Failure::OverBudget(_)) => (429, Ok("over_budget")),
        Err(Failure::RightsChanged) => end(live, &watcher, &socket, "rights_changed").await,
        Err(Failure::CompanySuspended) => end(live, &watcher, &socket, "company_suspended").await,
        Ok(outcome) => (200, Ok(outcome)),
        Err(Failure::Exhausted(Resource::Sockets)) => (429, Ok("too_many")),
        Err(Failure::Busy | Failure::Throttled) => (503, Ok("busy")),
        Err(failure) => (500, Err(failure.to_string())),
    }
}

/// Ends a socket by which nobody may watch any more.
async fn end<S: Sockets, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    socket: &SocketId,
    outcome: &'static str,
) -> (u16, SocketResult) {
    match close_all(live, watcher.company(), watcher.card(), std::slice::from_ref(socket)).await {
        Ok(()) => (200, Ok(outcome)),
        Err(failure) => (500, Err(failure.to_string())),
    }
}

async fn open<S, D>(live: &Live<S, D>, watcher: &Watcher, socket: &SocketId) -> Result<&'static str, Failure> {
    spend(live, watcher, BudgetName::Sockets)?;
    require_not_suspended(live, watcher).await?;
    joined(live, watcher, socket).await.map(|_| "open")
}

/// Takes a token of the member, for all their sockets together.
fn spend<S, D>(live: &Live<S, D>, watcher: &Watcher, budget: BudgetName) -> Result<(), OverBudget> {
    let member = BudgetSubject::Member(watcher.company(), watcher.member());
    let now = live.clock.now();
    let spent = live.budgets.spend(&[BudgetSpend::one(budget, member)], now);
    spent.inspect_err(|over| emit(&BudgetRefusal::of(over.budget), now))
}

/// Rejects who watches for a company that was suspended more than a minute ago.
async fn require_not_suspended<S, D>(live: &Live<S, D>, watcher: &Watcher) -> Result<(), Failure> {
    if live.store.is_suspended(watcher.company()).await? { Err(Failure::CompanySuspended) } else { Ok(()) }
}

async fn close<S, D>(live: &Live<S, D>, watcher: &Watcher, socket: &SocketId) -> Result<&'static str, Failure> {
    left(live, watcher.company(), watcher.card(), std::slice::from_ref(socket)).await?;
    Ok("closed")
}

async fn message<S: Sockets, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    socket: &SocketId,
    body: &str,
) -> Result<&'static str, Failure> {
    if live.clock.now() >= watcher.expires_at() {
        return hang_up(live, socket, "ended").await;
    }
    let (frames, outcome) = match answer(live, watcher, socket, body).await {
        Err(Failure::OverBudget(_)) if spend(live, watcher, BudgetName::RefusedFrames).is_err() => {
            return hang_up(live, socket, "closed_over_budget").await;
        }
        Err(Failure::OverBudget(over)) => (vec![Frame::over_budget(over)], "over_budget"),
        answered => answered?,
    };
    for frame in frames {
        match live.sockets.send(socket, &frame.text()).await {
            Ok(()) => {}
            Err(NotSent::Gone) => return close(live, watcher, socket).await,
            Err(failed) => return Err(unavailable(failed)),
        }
    }
    Ok(outcome)
}

/// Closes a socket; the gateway then sends the close event, which removes it from the card.
async fn hang_up<S: Sockets, D>(
    live: &Live<S, D>,
    socket: &SocketId,
    outcome: &'static str,
) -> Result<&'static str, Failure> {
    live.sockets.close(socket).await.map_err(unavailable)?;
    Ok(outcome)
}

/// What a frame of the client is answered with, and the outcome for the log.
async fn answer<S, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    socket: &SocketId,
    body: &str,
) -> Result<(Vec<Frame>, &'static str), Failure> {
    spend(live, watcher, BudgetName::SocketFrames)?;
    require_not_suspended(live, watcher).await?;
    let Some(action) = Action::parse(body) else { return Ok((vec![Frame::unknown_action()], "unknown_action")) };
    let state = joined(live, watcher, socket).await?;
    match action {
        Action::Ping {} => Ok((vec![Frame::Pong { card_id: watcher.card(), seq: state.seq }], "pong")),
        Action::Resume { last_seq } => resume(live, watcher, &state, last_seq).await,
    }
}

/// The frames that bring a client up to date that has seen everything up to `last`.
async fn resume<S, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    state: &LiveState,
    last: Option<Seq>,
) -> Result<(Vec<Frame>, &'static str), Failure> {
    let card_id = watcher.card();
    let seq = state.seq;
    let last = match state.resume(last) {
        Resume::Start => return Ok((vec![Frame::Hello { card_id, seq, resumable: false }], "start")),
        Resume::UpToDate => return Ok((vec![Frame::Hello { card_id, seq, resumable: true }], "up_to_date")),
        Resume::Reset => return Ok((vec![Frame::Reset { card_id, seq }], "reset")),
        Resume::CatchUp(last) => last,
    };
    spend(live, watcher, BudgetName::SocketCatchUps)?;
    let missed = live.store.live_messages(watcher.company(), card_id, last, CATCH_UP_MAX).await?;
    let seq = last.plus(missed.len());
    let complete = missed.iter().zip(1..).all(|(message, nth)| message.seq == last.plus(nth)) && seq >= state.seq;
    if !complete {
        // Older messages have expired.
        return Ok((vec![Frame::Reset { card_id, seq: state.seq }], "reset"));
    }
    let mut frames: Vec<_> = missed.iter().map(Frame::events).collect();
    frames.push(Frame::Hello { card_id, seq, resumable: true });
    Ok((frames, "caught_up"))
}

fn unavailable(failed: NotSent) -> Failure {
    match failed {
        NotSent::Gone => Failure::NotFound,
        NotSent::Failed(cause) => Failure::Unavailable(cause),
    }
}
