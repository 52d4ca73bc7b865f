//! Customers, merges, opportunities, records, ownership and timelines.

pub(crate) mod addition;
pub(crate) mod automation;
pub(crate) mod automation_dry_run;
pub(crate) mod book;
pub(crate) mod customer;
pub(crate) mod customer_rules;
pub(crate) mod erasure;
pub(crate) mod follow_up;
pub(crate) mod follow_up_plan;
pub(crate) mod handover;
pub(crate) mod handover_move;
pub(crate) mod handover_start;
pub(crate) mod import;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod list_blocks;
pub(crate) mod list_read;
pub(crate) mod list_refresh;
pub(crate) mod member_directory;
pub(crate) mod membership;
pub(crate) mod merge;
pub(crate) mod opportunity;
pub(crate) mod ownership;
pub(crate) mod record;
pub(crate) mod recycling;
pub(crate) mod timeline;
