//! How an action can fail, independent of table and HTTP.

/// A failed action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no such thing, or the caller must not know that there is.
    #[error("not found")]
    NotFound,
    /// What should be created exists already; names what.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// There are not enough units of a quota; names which.
    #[error("no {0} left")]
    Exhausted(&'static str),
    /// The thing has changed since it was read.
    #[error("changed since it was read")]
    VersionConflict,
    /// The idempotency key was used before with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// Another writer is in the way; worth trying again soon.
    #[error("busy")]
    Busy,
    /// The table takes no more at the moment; worth trying again later.
    #[error("throttled")]
    Throttled,
    /// Stored data cannot be read by this code; for the log only.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// Something we depend on did not answer; for the log only.
    #[error("unavailable: {0}")]
    Unavailable(String),
}
