//! The rules of the product, as pure functions and types.
//!
//! Nothing here knows AWS, HTTP, async, a clock, randomness or the environment:
//! time and ids come in as arguments. `Cargo.toml` keeps that promise.

pub mod card;
pub mod close_rate;
pub mod company;
pub mod crm;
pub mod kernel;
pub mod media;
pub mod people;
pub mod radar;
#[cfg(feature = "schema")]
mod schema;
pub mod shop;
pub mod tracking;
