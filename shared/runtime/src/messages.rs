//! Messages of the two radar queues, read into batches.

use domain::tracking::batch::{AcceptedBatch, MESSAGE_VERSION};
use serde::Deserialize;

use crate::batch::Outcome;
use crate::delivery::{Delivery, Reason};

/// What a Lambda batch holds.
pub struct ReadBatch {
    /// Batches with the position of their delivery.
    pub batches: Vec<(usize, AcceptedBatch)>,
    /// One outcome per delivery: poison where it cannot be read, done elsewhere.
    pub outcomes: Vec<Outcome>,
    /// Events in all batches.
    pub events: usize,
}

/// The part every version of a message has.
#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

/// Reads every message that can be read.
pub fn read(deliveries: &[Delivery]) -> ReadBatch {
    let mut read = ReadBatch {
        batches: Vec::with_capacity(deliveries.len()),
        outcomes: Vec::with_capacity(deliveries.len()),
        events: 0,
    };
    for (position, delivery) in deliveries.iter().enumerate() {
        read.outcomes.push(match parse(&delivery.body) {
            Ok(batch) => {
                read.events += batch.events.len();
                read.batches.push((position, batch));
                Outcome::Done
            }
            Err(reason) => Outcome::Poison(reason),
        });
    }
    read
}

fn parse(body: &str) -> Result<AcceptedBatch, Reason> {
    let unreadable = |error| Reason::new("unreadable_message", error);
    match serde_json::from_str::<AcceptedBatch>(body) {
        Ok(batch) if batch.v == MESSAGE_VERSION && batch.events.is_empty() => {
            Err(Reason::new("unreadable_message", "no events"))
        }
        Ok(batch) if batch.v == MESSAGE_VERSION => Ok(batch),
        // Whether another version can be read as this one or not, it is not this one.
        read => {
            let Versioned { v } = serde_json::from_str(body).map_err(unreadable)?;
            if v != u64::from(MESSAGE_VERSION) {
                return Err(Reason::new("unknown_version", format!("version {v}, this code reads {MESSAGE_VERSION}")));
            }
            read.map_err(unreadable)
        }
    }
}
