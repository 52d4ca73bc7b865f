//! What is remembered of a creating request, so that a retry gives the first result.

use crate::kernel::timestamp::{DAY_MS, Timestamp};

/// How long a first result is replayed.
pub const REPLAY_MS: i64 = DAY_MS;

/// One creating request, as its retries repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Digest of caller, method, path and `Idempotency-Key`.
    pub key: String,
    /// Digest of the request body as a JSON value: another value under the same key is rejected.
    pub fingerprint: String,
}

/// Until when the result of a request made at `now` is replayed.
pub fn replay_until(now: Timestamp) -> Timestamp {
    now.plus_millis(REPLAY_MS)
}
