//! The numbers: counters, metrics, breakdowns, rankings, the live feed and the recount.

pub mod aggregate;
pub mod audience;
pub mod best_hour;
pub mod breakdown;
pub mod counter;
pub mod day_range;
pub mod feed;
pub mod forecast;
pub mod live;
pub mod log_end;
mod long_gap;
pub mod metrics;
pub mod quiet_hours;
pub mod ranking;
pub mod recount;
#[cfg(test)]
pub(crate) mod recount_tests;
pub mod rhythm;
pub mod seen_days;
pub mod space_saving;
