//! Socket events: open, close, frame of the client.

use std::collections::BTreeMap;

use domain::kernel::failure::{Failure, Resource};
use domain::radar::live::{CATCH_UP_MAX, LiveState, Resume, Seq, SocketId};
use edge::socket::Watcher;
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
        EventType::Connect => joined(live, &watcher, &socket).await.map(|_| "open"),
        EventType::Disconnect => close(live, &watcher, &socket).await,
        EventType::Message => message(live, &watcher, &socket, event.body.as_deref().unwrap_or_default()).await,
    };
    match done {
        Err(Failure::RightsChanged) => rights_changed(live, &watcher, &socket, event.request_context.event_type).await,
        Ok(outcome) => (200, Ok(outcome)),
        Err(Failure::Exhausted(Resource::Sockets)) => (429, Ok("too_many")),
        Err(Failure::Busy | Failure::Throttled) => (503, Ok("busy")),
        Err(failure) => (500, Err(failure.to_string())),
    }
}

/// Ends a socket whose member may no longer do what their token said: a new one does not open.
async fn rights_changed<S: Sockets, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    socket: &SocketId,
    event: EventType,
) -> (u16, SocketResult) {
    if matches!(event, EventType::Connect) {
        return (401, Ok("rights_changed"));
    }
    match close_all(live, watcher.company(), watcher.card(), std::slice::from_ref(socket)).await {
        Ok(()) => (200, Ok("rights_changed")),
        Err(failure) => (500, Err(failure.to_string())),
    }
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
        // The gateway then sends the close event, which removes the socket from the card.
        live.sockets.close(socket).await.map_err(unavailable)?;
        return Ok("ended");
    }
    let (frames, outcome) = match Action::parse(body) {
        None => (vec![Frame::unknown_action()], "unknown_action"),
        Some(Action::Ping {}) => {
            let state = joined(live, watcher, socket).await?;
            (vec![Frame::Pong { card_id: watcher.card(), seq: state.seq }], "pong")
        }
        Some(Action::Resume { last_seq }) => {
            let state = joined(live, watcher, socket).await?;
            resume(live, watcher, &state, last_seq).await?
        }
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
