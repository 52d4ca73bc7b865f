//! Wiring of a Lambda: from its environment to its first event.
//!
//! A function keeps what is special to it. What all of a kind have is here: [`http`] for
//! routes, [`queue`] for messages and frames, [`schedule`] for runs that time begins.

pub mod http;
pub mod queue;
pub mod schedule;
mod serve;
mod start;

pub use crate::start::{Error, Start};
