//! Feeds, numbers and analyses of what visitors do.

pub(crate) mod behaviour;
pub(crate) mod day;
mod days_query;
pub(crate) mod feed;
pub(crate) mod feed_query;
pub(crate) mod filtered;
pub(crate) mod heat_map;
pub(crate) mod metrics;
pub(crate) mod my_event;
pub(crate) mod object;
pub(crate) mod range;
pub(crate) mod ranking;
pub(crate) mod recount;
pub(crate) mod sharer;
pub(crate) mod sharer_profile;
pub(crate) mod shop_visit;
pub(crate) mod today;
pub(crate) mod window_query;
