//! The rules of the product, as pure functions and types.
//!
//! Nothing here knows AWS, HTTP, async, a clock, randomness or the environment:
//! time and ids come in as arguments. `Cargo.toml` keeps that promise.

pub mod activation;
pub mod aggregate;
pub mod audit;
pub mod batch;
pub mod breakdown;
pub mod card;
pub mod card_template;
mod choice;
pub mod claim;
pub mod company;
pub mod counter;
pub mod customer;
pub mod day;
pub mod event;
pub mod failure;
pub mod field;
pub mod filter;
pub mod id;
pub mod idempotency;
pub mod list;
pub mod member;
pub mod merge;
pub mod metrics;
pub mod mobile;
pub mod money;
pub mod quota;
pub mod ranking;
#[cfg(test)]
mod recount_tests;
pub mod seen_days;
pub mod sentence;
pub mod settings;
pub mod share;
pub mod tag;
pub mod text;
pub mod timestamp;
pub mod vcard;
