//! The table itself: items, transactions, reads. Nothing here knows an entity.

pub(crate) mod actor;
pub(crate) mod aside;
pub(crate) mod batch_get;
pub(crate) mod budget;
pub(crate) mod due;
pub(crate) mod error;
pub(crate) mod idempotency;
pub(crate) mod item;
pub(crate) mod kinds;
pub(crate) mod read;
pub(crate) mod sweep;
pub(crate) mod transaction;
