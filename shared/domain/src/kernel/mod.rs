//! What every area stands on: ids, texts, times, days, money, failures.

pub mod address;
pub mod budget;
pub mod day;
pub mod failure;
pub mod field;
pub mod id;
pub mod idempotency;
pub mod list;
pub mod mobile;
pub mod money;
pub mod pack;
pub(crate) mod recent_days;
#[cfg(feature = "schema")]
pub(crate) mod schema;
pub(crate) mod string_enum;
pub mod text;
pub mod timestamp;
pub mod unseen;
