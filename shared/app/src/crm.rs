//! Customers and who they are.

pub mod customer;
pub mod merge;
