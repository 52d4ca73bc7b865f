//! Customers: what they did, who is one person, and what members record of them.

pub mod active_days;
pub mod activity;
pub mod addition;
pub mod book;
pub mod command;
pub mod custom_field;
pub mod customer;
pub mod due;
pub mod erasure;
pub mod expectation;
pub mod field_history;
pub mod follow_up;
pub mod identities;
pub mod identity_group;
pub mod import;
pub mod job;
pub mod kind;
pub mod membership;
pub mod merge;
pub mod opportunity;
pub mod profile;
pub mod record;
pub mod tag;
pub mod timeline;
pub mod viewer;
