//! Counters, feeds, leaderboards, live numbers and the recount.

pub(crate) mod aggregate;
pub(crate) mod breakdown;
pub(crate) mod counter;
pub(crate) mod feed;
pub(crate) mod leaderboard;
pub(crate) mod live;
pub(crate) mod pending_deltas;
pub(crate) mod recount;
