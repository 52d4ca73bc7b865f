//! A function on the bench: its binary, and its payload.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::events::load;
use testkit::world::World;

use crate::host::{InvocationOutcome, Process};

/// The function that the others are compared with.
pub(crate) const HELLO: &str = "hello";

/// A function on the bench.
pub(crate) struct BenchSubject {
    pub(crate) name: &'static str,
    pub(crate) binary: PathBuf,
    /// The payload, unless the function is only started.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) cold_start: Duration,
    pub(crate) cold_cpu: Duration,
}

/// An event file as a payload.
pub(crate) fn event_of(world: &World, function: &str, case: &str) -> Vec<u8> {
    load(function, case, world).into_bytes()
}

/// Calls a function; returns the duration.
pub(crate) fn call(process: &mut Process, name: &str, payload: &[u8]) -> Duration {
    let begun = Instant::now();
    match process.invoke(payload.to_vec()).expect("an outcome") {
        InvocationOutcome::Answer(answer) => {
            let took = begun.elapsed();
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            assert!(answer["statusCode"].as_u64().is_none_or(|status| status < 400), "{name}: {answer}");
            took
        }
        other @ (InvocationOutcome::Failed(_) | InvocationOutcome::Died) => panic!("{name}: {other:?}"),
    }
}
