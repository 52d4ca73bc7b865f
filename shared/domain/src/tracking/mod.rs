//! What visitors do: events, batches of them, and what is filtered.

pub mod batch;
pub mod client_time;
pub mod crawler;
pub mod event;
pub mod filter;
pub mod filter_reason;
pub mod limits;
