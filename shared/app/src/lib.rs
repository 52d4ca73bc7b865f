//! Flows: what one action does from read to commit, for routes, queues and schedules alike.
//!
//! A flow takes values that were checked, and a [`Company`](domain::company::Company) handle
//! that a permission gave out. It returns domain values and domain failures. No HTTP, no
//! Lambda and no problem documents belong here.

pub mod card;
pub mod company;
pub mod crm;
mod flow;
pub mod people;
pub mod upload;

pub use crate::flow::Flow;
