//! Wiring of a Lambda: from its environment to its first event.
//!
//! A function keeps what is special to it. The parts that all functions of a kind share are here:
//! [`http`] for routes, [`queue`] for messages and frames, [`schedule`] for scheduled runs.

pub mod http;
pub mod queue;
pub mod schedule;
mod serve;
mod start;

pub use crate::start::{Error, Start};
