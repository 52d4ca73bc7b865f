//! The live radar: who watches a card, the numbers of its messages, and where a socket that was
//! away may go on.
//!
//! Messages are numbered one by one while somebody watches. After a while without watchers,
//! events pass unnumbered, and the next watcher begins a new run of numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernel::id::MemberId;
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};

/// How long after the last socket has gone a card still counts as watched.
pub const LINGER_MS: i64 = 600 * SECOND_MS;
/// The part of [`LINGER_MS`] that must be left for a run to go on: far above any clock difference
/// and the time between reading and writing.
const MARGIN_MS: i64 = 30 * SECOND_MS;
/// How long messages can be sent again, and how long a repeated message is recognised.
pub const KEEP_MS: i64 = 6 * 3_600 * SECOND_MS;
/// How long a card's state outlives its last socket's connecting: above [`SOCKET_LIFE_MS`] and
/// [`LINGER_MS`].
pub const FORGET_MS: i64 = 2 * DAY_MS;
/// How long a socket lives at most: the gateway's own limit.
pub const SOCKET_LIFE_MS: i64 = 2 * 3_600 * SECOND_MS;
/// Most messages sent to catch up; reading the feed again is better than more.
pub const CATCH_UP_MAX: usize = 100;
/// Most sockets of one card at a time.
pub const SOCKETS_MAX: usize = 256;

/// The gateway's id of a socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SocketId(String);

impl SocketId {
    /// The id that the gateway gave.
    pub fn new(id: String) -> Self {
        Self(id)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An open socket, and who watches by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredSocket")]
pub struct OpenSocket {
    /// When it ends, in Unix milliseconds.
    pub until: i64,
    /// The member who watches; `None` for a socket that was opened before this was kept.
    pub member: Option<MemberId>,
    /// How often what the member may do had changed when they logged in.
    pub rights: u32,
}

/// A socket as it is stored: until layout 2 its end alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredSocket {
    End(i64),
    Open { until: i64, member: Option<MemberId>, rights: u32 },
}

impl From<StoredSocket> for OpenSocket {
    fn from(stored: StoredSocket) -> Self {
        match stored {
            StoredSocket::End(until) => Self { until, member: None, rights: 0 },
            StoredSocket::Open { until, member, rights } => Self { until, member, rights },
        }
    }
}

/// The number of a message on one card; no number is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// This number, as stored or as a client sends it.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number `count` further on.
    #[must_use]
    pub fn plus(self, count: usize) -> Self {
        Self(self.0.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who watches a card, and how far its numbers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveState {
    /// The number before the first of this run.
    pub begin: Seq,
    /// The last number that was used.
    pub seq: Seq,
    /// Until when the card counts as watched without a socket, in Unix milliseconds.
    pub lingers_until: i64,
    /// Open sockets.
    pub sockets: BTreeMap<SocketId, OpenSocket>,
}

impl LiveState {
    /// A new run with its first socket; `before` is the run that has ended.
    ///
    /// Numbers begin at the time in milliseconds: later runs have higher ones, also when
    /// the earlier run has been forgotten.
    pub fn begun(before: Option<&Self>, socket: SocketId, open: OpenSocket, now: Timestamp) -> Self {
        let at_least = before.map_or(Seq(0), |before| before.seq.plus(1));
        let begin = at_least.max(Seq(u64::try_from(now.millis()).unwrap_or_default()));
        Self { begin, seq: begin, lingers_until: 0, sockets: BTreeMap::from([(socket, open)]) }
    }

    /// Whether events are numbered and kept now.
    pub fn is_watched(&self, now: Timestamp) -> bool {
        self.watched_until() > now.millis()
    }

    /// Whether a socket that comes now joins this run: then no event has passed unnumbered
    /// since [`LiveState::begin`], nor will until the socket is stored.
    pub fn goes_on(&self, now: Timestamp) -> bool {
        self.watched_until() > now.millis() + MARGIN_MS
    }

    fn watched_until(&self) -> i64 {
        // A client that was cut off by the end of its socket may come back like any other.
        self.sockets.values().map(|socket| socket.until + LINGER_MS).fold(self.lingers_until, i64::max)
    }

    /// The members who watch.
    pub fn members(&self) -> BTreeSet<MemberId> {
        self.sockets.values().filter_map(|socket| socket.member).collect()
    }

    /// The sockets in two groups: those that may be written to, and those that have ended: their time
    /// is over, or the member may no longer watch by them.
    pub fn sockets_at(
        &self,
        now: Timestamp,
        may_watch: impl Fn(MemberId, u32) -> bool,
    ) -> (Vec<SocketId>, Vec<SocketId>) {
        let is_open = |socket: &OpenSocket| {
            socket.until > now.millis() && socket.member.is_some_and(|member| may_watch(member, socket.rights))
        };
        let ids = |open: bool| {
            let of = self.sockets.iter().filter(|(_, socket)| is_open(socket) == open);
            of.map(|(id, _)| id.clone()).collect()
        };
        (ids(true), ids(false))
    }

    /// How a client that has seen everything up to `last` goes on.
    pub fn resume(&self, last: Option<Seq>) -> Resume {
        match last {
            None => Resume::Start,
            Some(last) if last == self.seq => Resume::UpToDate,
            Some(last) if (self.begin..self.seq).contains(&last) && self.seq.0 - last.0 <= CATCH_UP_MAX as u64 => {
                Resume::CatchUp(last)
            }
            Some(_) => Resume::Reset,
        }
    }
}

/// How a client goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// It has seen nothing yet.
    Start,
    /// It has missed nothing.
    UpToDate,
    /// It gets the messages after this number.
    CatchUp(Seq),
    /// It was away for too long and reads the feed.
    Reset,
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
