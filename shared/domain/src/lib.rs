//! The rules of the product, as pure functions and types.
//!
//! Nothing here knows AWS, HTTP, async, a clock, randomness or the environment:
//! time and ids come in as arguments. `Cargo.toml` keeps that promise.

pub mod activation;
pub mod aggregate;
pub mod audit;
pub mod batch;
pub mod best_hour;
pub mod breakdown;
pub mod calibration;
pub mod card;
pub mod card_media;
pub mod card_template;
mod choice;
pub mod claim;
pub mod close_rate;
pub mod company;
pub mod counter;
mod curve;
pub mod customer;
pub mod day;
pub mod dealings;
pub mod department;
pub mod event;
pub mod evidence;
pub mod failure;
pub mod field;
pub mod filter;
pub mod id;
pub mod idempotency;
pub mod invitation;
pub mod join_request;
pub mod list;
pub mod live;
pub mod member;
pub mod merge;
pub mod metrics;
pub mod mobile;
pub mod money;
pub mod pack;
pub mod profile;
pub mod quiet_hours;
pub mod quota;
pub mod ranking;
pub mod receipt;
mod recent_days;
pub mod recount;
#[cfg(test)]
mod recount_tests;
pub mod refit;
pub mod refit_samples;
pub mod said;
#[cfg(feature = "schema")]
mod schema;
pub mod seen_days;
pub mod sentence;
pub mod settings;
pub mod share;
pub mod shortlist;
pub mod tag;
pub mod text;
pub mod timestamp;
pub mod upload;
pub mod vcard;
pub mod voice;
