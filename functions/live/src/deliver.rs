//! From the queue to the sockets: events on a watched card are numbered, stored and pushed; events
//! on an unwatched card cost one read.

use std::collections::{BTreeMap, BTreeSet};

use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, MemberId};
use domain::people::member::Member;
use domain::radar::aggregate::{Segment, segments};
use domain::radar::live::{KEEP_MS, LiveState, Seq, SocketId};
use futures_util::future::join_all;
use runtime::batch::Outcome;
use runtime::delivery::{Delivery, Reason};
use runtime::messages;
use runtime::retry::Policy;
use runtime::sockets::{NotSent, Sockets};
use store::{AppendError, CompanyCard, Numbered};

use crate::Live;
use crate::frame::Frame;
use crate::watch::{close_all, left, open_sockets};

/// Most segments numbered in one transaction: two actions each, and the state.
const SEGMENTS_MAX: usize = 40;
/// Sockets written to at the same time.
const PUSHES_MAX: usize = 32;

/// The counts of a queue batch.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Segments that have a number.
    pub(crate) numbered: usize,
    /// Frames that the gateway accepted.
    pub(crate) frames: usize,
    /// Sockets that were closed.
    pub(crate) gone: usize,
    /// The longest time from accepting a batch to pushing it.
    pub(crate) delay_ms: Option<i64>,
}

/// The outcome of each delivery, in order.
pub(crate) async fn deliver<S: Sockets, D>(live: &Live<S, D>, deliveries: &[Delivery]) -> (Vec<Outcome>, Done) {
    let read = messages::read(deliveries);
    let (mut outcomes, mut done) = (read.outcomes, Done::default());
    let mut by_card: BTreeMap<CompanyCard, Vec<(usize, Segment)>> = BTreeMap::new();
    for (delivery, batch) in read.batches {
        let company = Company::granted(batch.company);
        for segment in segments(batch) {
            by_card.entry((company, segment.key.card)).or_default().push((delivery, segment));
        }
    }
    let cards: Vec<_> = by_card.keys().copied().collect();
    let mut states = match live.store.live_states(&cards).await {
        Ok(states) => states,
        Err(failure) => cards.iter().map(|card| (*card, Err(failure.clone()))).collect(),
    };
    for (card, queued) in by_card {
        let Some(state) = states.remove(&card) else { continue };
        let result = match state {
            Ok(state) => one_card(live, card, state, &queued, &mut done).await,
            Err(failure) => Err(failure),
        };
        let Err(failure) = result else { continue };
        for (delivery, _) in queued {
            if let Some(outcome @ Outcome::Done) = outcomes.get_mut(delivery) {
                *outcome = Outcome::Retry(Reason::from(&failure));
            }
        }
    }
    (outcomes, done)
}

/// Numbers and pushes the events on one card.
async fn one_card<S: Sockets, D>(
    live: &Live<S, D>,
    (company, card): CompanyCard,
    state: LiveState,
    queued: &[(usize, Segment)],
    done: &mut Done,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    // The same batch was delivered twice at the same time.
    let unrepeated: Vec<_> =
        queued.iter().map(|(_, segment)| segment).filter(|segment| seen.insert(segment.key)).collect();
    let (mut state, mut members) = (Some(state), BTreeMap::new());
    let mut numbered = Vec::with_capacity(unrepeated.len());
    for segments in unrepeated.chunks(SEGMENTS_MAX) {
        let numbering = number(live, (company, card), state, segments.to_vec()).await?;
        numbered.extend(numbering.numbered);
        (state, members) = (numbering.state, numbering.members);
    }
    let (Some(state), false) = (state, numbered.is_empty()) else { return Ok(()) };
    numbered.sort_by_key(|message| message.seq);
    done.numbered += numbered.len();
    push(live, (company, card), (&state, &members), &numbered, done).await
}

/// The segments of a card that are being numbered.
struct Numbering<'a> {
    /// The card's state, if it has one.
    state: Option<LiveState>,
    /// The members who watch, as of the same read.
    members: BTreeMap<MemberId, Member>,
    /// Whether the state is older than a write, of this call or another one.
    is_old: bool,
    /// The segments without a number.
    segments: Vec<&'a Segment>,
    numbered: Vec<Numbered>,
}

/// Numbers each segment, or keeps its number; no segment while nobody watches. Returns the state
/// after it, with all sockets that the segments must be pushed to, and the members who watch.
async fn number<'a, S, D>(
    live: &Live<S, D>,
    (company, card): CompanyCard,
    state: Option<LiveState>,
    segments: Vec<&'a Segment>,
) -> Result<Numbering<'a>, Failure> {
    let numbered = Vec::with_capacity(segments.len());
    let numbering = Numbering { state, members: BTreeMap::new(), is_old: false, segments, numbered };
    let done = live.store.retry().run_with(Policy::WATCHERS, numbering, |mut numbering| async move {
        match numbering.append(live, company, card).await {
            Ok(()) => Ok(numbering),
            Err(failure) => Err((numbering, failure)),
        }
    });
    done.await.map_err(|(_, failure)| failure)
}

impl Numbering<'_> {
    /// One attempt, unless all segments have numbers or nobody watches.
    async fn append<S, D>(&mut self, live: &Live<S, D>, company: Company, card: CardId) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_old) {
            self.read(live, company, card).await?;
        }
        let now = live.clock.now();
        let watched = self.state.as_ref().filter(|state| state.is_watched(now) && !self.segments.is_empty());
        let Some(seq) = watched.map(|state| state.seq) else { return Ok(()) };
        self.is_old = true;
        match live.store.append_live(company, card, seq, &self.segments, now.plus_millis(KEEP_MS)).await {
            Ok(()) => {
                for (position, segment) in self.segments.drain(..).enumerate() {
                    self.numbered.push(Numbered { seq: seq.plus(position + 1), segment: segment.clone() });
                }
                return self.read(live, company, card).await;
            }
            Err(AppendError::Numbered(known)) => self.take_known(known.into_iter().collect()),
            Err(AppendError::Stale(Some(now))) => {
                self.state = Some(now);
                self.is_old = false;
            }
            Err(AppendError::Stale(None)) => {}
            Err(AppendError::Store(failure)) => return Err(failure),
        }
        Err(Failure::Busy)
    }

    /// Reads the state again, and with it the members who watch: in the same call, since the state of
    /// before names them. A member whose first socket opened meanwhile is read by another one.
    async fn read<S, D>(&mut self, live: &Live<S, D>, company: Company, card: CardId) -> Result<(), Failure> {
        let mut known = self.state.as_ref().map(LiveState::members).unwrap_or_default();
        (self.state, self.members) = live.store.live_watch(company, card, &known).await?;
        let now = self.state.as_ref().map(LiveState::members).unwrap_or_default();
        if !now.is_subset(&known) {
            known.extend(now);
            (self.state, self.members) = live.store.live_watch(company, card, &known).await?;
        }
        Ok(())
    }

    /// Keeps the numbers that segments already have.
    fn take_known(&mut self, known: BTreeMap<usize, Seq>) {
        for (position, segment) in std::mem::take(&mut self.segments).into_iter().enumerate() {
            match known.get(&position) {
                Some(seq) => self.numbered.push(Numbered { seq: *seq, segment: segment.clone() }),
                None => self.segments.push(segment),
            }
        }
    }
}

/// Sends each message to each socket, in order; closes those of members who may no longer watch
/// before, and removes closed sockets from the card.
async fn push<S: Sockets, D>(
    live: &Live<S, D>,
    (company, card): CompanyCard,
    (state, members): (&LiveState, &BTreeMap<MemberId, Member>),
    numbered: &[Numbered],
    done: &mut Done,
) -> Result<(), Failure> {
    let frames: Vec<_> = numbered.iter().map(|message| Frame::events(message).text()).collect();
    let (open, ended) = if live.store.is_suspended(company).await? {
        (Vec::new(), state.sockets.keys().cloned().collect())
    } else {
        open_sockets(state, card, members, live.clock.now())
    };
    // One that is not closed gets nothing. It does not keep the others from their frames.
    if let Err(cause) = close_all(live, company, card, &ended).await {
        tracing::warn!(%cause, "a socket that has ended was not closed");
    }
    done.gone += ended.len();
    let (mut gone, mut failed) = (Vec::new(), None);
    for sockets in open.chunks(PUSHES_MAX) {
        let sent = join_all(sockets.iter().map(|socket| send_all(live, socket, &frames))).await;
        for (socket, sent) in sockets.iter().zip(sent) {
            match sent {
                Ok(()) => done.frames += frames.len(),
                Err(NotSent::Gone) => gone.push(socket.clone()),
                Err(NotSent::Failed(cause)) => failed = Some(Failure::Unavailable(cause)),
            }
        }
    }
    if !gone.is_empty() {
        done.gone += gone.len();
        left(live, company, card, &gone).await?;
    }
    if let (Some(first), false) = (numbered.iter().map(|message| message.segment.received_at).min(), open.is_empty()) {
        let delay_ms = live.clock.now().millis() - first.millis();
        done.delay_ms = done.delay_ms.max(Some(delay_ms));
    }
    failed.map_or(Ok(()), Err)
}

async fn send_all<S: Sockets, D>(live: &Live<S, D>, socket: &SocketId, frames: &[String]) -> Result<(), NotSent> {
    for frame in frames {
        live.sockets.send(socket, frame).await?;
    }
    Ok(())
}
