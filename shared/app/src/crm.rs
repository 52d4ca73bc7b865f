//! Customers and who they are.

pub mod customer;
pub mod expectation;
pub mod follow_up;
pub mod follow_up_plan;
pub mod merge;
pub mod profile;
pub mod record;
pub mod tag;
pub mod timeline;
