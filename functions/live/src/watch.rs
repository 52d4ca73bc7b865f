//! A card's watchers: sockets come and go.

use std::time::Duration;

use domain::company::Company;
use domain::failure::Failure;
use domain::id::CardId;
use domain::live::{FORGET_MS, LINGER_MS, LiveState, SOCKETS_MAX, SocketId};
use edge::socket::Watcher;

use crate::Live;

/// How often a write is tried that meets others. Of those that meet one gets through, so
/// this is also how many may be at one card at a time.
pub(crate) const ATTEMPTS: u32 = 40;
/// The pause between tries grows by this, up to [`PAUSES`] times.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSES: u32 = 10;

/// Waits before the `attempt`-th try again, counted from 0.
pub(crate) async fn pause(attempt: u32) {
    tokio::time::sleep(PAUSE * attempt.min(PAUSES)).await;
}

/// The state of the watcher's card, the socket being one of its watchers: it is added
/// when it is not, and begins a run when nobody watches any more.
pub(crate) async fn joined<S, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    socket: &SocketId,
) -> Result<LiveState, Failure> {
    let (company, card) = (watcher.company(), watcher.card());
    for attempt in 0..ATTEMPTS {
        let state = live.store.live_state(company, card).await?;
        let now = live.clock.now();
        let forget_at = now.plus_millis(FORGET_MS);
        let written = match state {
            Some(state) if state.goes_on(now) && state.sockets.contains_key(socket) => return Ok(state),
            Some(state) if state.goes_on(now) => {
                if state.sockets.len() >= SOCKETS_MAX {
                    return Err(Failure::Exhausted("socket"));
                }
                let open = (socket, watcher.expires_at());
                live.store.join_live(company, card, state.begin, open, forget_at).await
            }
            before => {
                let begun = LiveState::begun(before.as_ref(), socket.clone(), watcher.expires_at(), now);
                live.store.begin_live(company, card, before.as_ref(), &begun, forget_at).await
            }
        };
        match written {
            // Read again: what is numbered from now on is pushed to this socket.
            Ok(()) => {}
            Err(Failure::Busy) => pause(attempt).await,
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Busy)
}

/// Takes closed sockets off a card.
pub(crate) async fn left<S, D>(
    live: &Live<S, D>,
    company: Company,
    card: CardId,
    sockets: &[SocketId],
) -> Result<(), Failure> {
    let mut attempt = 0;
    loop {
        let lingers_until = live.clock.now().plus_millis(LINGER_MS);
        match live.store.leave_live(company, card, sockets, lingers_until).await {
            Err(Failure::Busy) if attempt < ATTEMPTS => pause(attempt).await,
            done => return done,
        }
        attempt += 1;
    }
}
