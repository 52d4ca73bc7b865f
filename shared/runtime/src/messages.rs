//! Messages of the two radar queues, read into batches.

use domain::tracking::batch::{AcceptedBatch, MESSAGE_VERSION};
use serde::Deserialize;

use crate::batch::Outcome;
use crate::delivery::{Delivery, Reason};

/// The readable messages of a Lambda batch.
pub struct ReadBatch {
    /// Batches with the position of their delivery.
    pub batches: Vec<(usize, AcceptedBatch)>,
    /// One outcome per delivery: poison if the message cannot be read, done otherwise.
    pub outcomes: Vec<Outcome>,
    /// Events in all batches.
    pub events: usize,
}

/// The part that every version of a message has.
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
        // A message of another version is rejected, even if it could be read as this version.
        read => {
            let Versioned { v } = serde_json::from_str(body).map_err(unreadable)?;
            if v != u64::from(MESSAGE_VERSION) {
                return Err(Reason::new("unknown_version", format!("version {v}, this code reads {MESSAGE_VERSION}")));
            }
            read.map_err(unreadable)
        }
    }
}
