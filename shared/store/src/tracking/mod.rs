//! The event log.

pub(crate) mod log;
pub(crate) mod segment;
