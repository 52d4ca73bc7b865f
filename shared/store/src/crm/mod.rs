//! Customers, merges and opportunities.

pub(crate) mod customer;
pub(crate) mod membership;
pub(crate) mod merge;
pub(crate) mod opportunity;
