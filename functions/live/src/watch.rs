//! A card's watchers: sockets that open and close.

use std::collections::{BTreeMap, BTreeSet};

use domain::company::Company;
use domain::kernel::failure::{Failure, Resource};
use domain::kernel::id::{CardId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use domain::radar::live::{FORGET_MS, LINGER_MS, LiveState, SOCKETS_MAX, SocketId};
use edge::socket::Watcher;
use runtime::retry::Policy;
use runtime::sockets::{NotSent, Sockets};

use crate::Live;

/// Closes the sockets of a card that this member may no longer watch by.
pub(crate) async fn close_outdated<S: Sockets, D>(
    live: &Live<S, D>,
    company: Company,
    card: CardId,
    member: MemberId,
) -> Result<usize, Failure> {
    let (state, members) = live.store.live_watch(company, card, &BTreeSet::from([member])).await?;
    let Some(state) = state else { return Ok(0) };
    let (_, ended) = open_sockets(&state, card, &members, live.clock.now());
    close_all(live, company, card, &ended).await?;
    Ok(ended.len())
}

/// The sockets of a card that may be written to, and those that have ended.
pub(crate) fn open_sockets(
    state: &LiveState,
    card: CardId,
    members: &BTreeMap<MemberId, Member>,
    now: Timestamp,
) -> (Vec<SocketId>, Vec<SocketId>) {
    let may_watch =
        |member: MemberId, rights| members.get(&member).is_some_and(|member| member.may_watch(card, rights));
    state.sockets_at(now, may_watch)
}

/// Closes sockets, and removes them from the card. One that the gateway does not close stays on the
/// card, so that a later try finds it; nothing is sent to it.
///
/// # Errors
/// [`Failure::Unavailable`] when the gateway has not closed one.
pub(crate) async fn close_all<S: Sockets, D>(
    live: &Live<S, D>,
    company: Company,
    card: CardId,
    sockets: &[SocketId],
) -> Result<(), Failure> {
    let (mut closed, mut failed) = (Vec::with_capacity(sockets.len()), None);
    for socket in sockets {
        match live.sockets.close(socket).await {
            Ok(()) | Err(NotSent::Gone) => closed.push(socket.clone()),
            Err(NotSent::Failed(cause)) => failed = Some(cause),
        }
    }
    if !closed.is_empty() {
        left(live, company, card, &closed).await?;
    }
    failed.map_or(Ok(()), |cause| Err(Failure::Unavailable(cause)))
}

/// The state of the watcher's card with the socket among its watchers: adds the socket if it is
/// absent, and begins a run if nobody watches any more.
pub(crate) async fn joined<S, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    socket: &SocketId,
) -> Result<LiveState, Failure> {
    live.store.retry().run(Policy::WATCHERS, || try_to_join(live, watcher, socket)).await
}

async fn try_to_join<S, D>(live: &Live<S, D>, watcher: &Watcher, socket: &SocketId) -> Result<LiveState, Failure> {
    let (company, card) = (watcher.company(), watcher.card());
    let state = live.store.live_state(company, card).await?;
    let now = live.clock.now();
    let forget_at = now.plus_millis(FORGET_MS);
    match state {
        Some(state) if state.goes_on(now) && state.sockets.contains_key(socket) => return Ok(state),
        Some(state) if state.goes_on(now) => {
            if state.sockets.len() >= SOCKETS_MAX {
                return make_room(live, watcher, &state, now).await;
            }
            let open = (socket, watcher.socket());
            live.store.join_live(company, card, state.begin, open, forget_at).await?;
        }
        before => {
            let begun = LiveState::begun(before.as_ref(), socket.clone(), watcher.socket(), now);
            live.store.begin_live(company, card, before.as_ref(), &begun, forget_at).await?;
        }
    }
    // Read again: from now on numbered segments are pushed to this socket.
    let now = live.clock.now();
    let state = live.store.live_state(company, card).await?;
    state.filter(|state| state.goes_on(now) && state.sockets.contains_key(socket)).ok_or(Failure::Busy)
}

/// Takes the sockets off a full card whose time is over; the caller then tries again.
async fn make_room<S, D>(
    live: &Live<S, D>,
    watcher: &Watcher,
    state: &LiveState,
    now: Timestamp,
) -> Result<LiveState, Failure> {
    let (_, ended) = state.sockets_at(now, |_, _| true);
    if ended.is_empty() {
        return Err(Failure::Exhausted(Resource::Sockets));
    }
    left(live, watcher.company(), watcher.card(), &ended).await?;
    Err(Failure::Busy)
}

/// Removes closed sockets from a card.
pub(crate) async fn left<S, D>(
    live: &Live<S, D>,
    company: Company,
    card: CardId,
    sockets: &[SocketId],
) -> Result<(), Failure> {
    let leave = || {
        let lingers_until = live.clock.now().plus_millis(LINGER_MS);
        live.store.leave_live(company, card, sockets, lingers_until)
    };
    live.store.retry().run(Policy::WATCHERS, leave).await
}
