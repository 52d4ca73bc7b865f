//! The parts that every function needs to run: configuration, AWS clients, telemetry, queue
//! batches, sockets, clock and ids. No rule of the product belongs here.

pub mod batch;
pub mod clients;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod failed_messages;
pub mod ids;
pub mod job_queue;
pub mod messages;
pub mod metrics;
pub mod retry;
pub mod s3_signing;
pub mod sockets;
pub mod telemetry;
mod trust;
