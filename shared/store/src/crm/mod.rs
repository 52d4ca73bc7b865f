//! Customers, merges, opportunities and records and timelines.

pub(crate) mod addition;
pub(crate) mod book;
pub(crate) mod customer;
pub(crate) mod erasure;
pub(crate) mod follow_up;
pub(crate) mod follow_up_plan;
pub(crate) mod import;
pub(crate) mod job;
pub(crate) mod membership;
pub(crate) mod merge;
pub(crate) mod opportunity;
pub(crate) mod record;
pub(crate) mod timeline;
