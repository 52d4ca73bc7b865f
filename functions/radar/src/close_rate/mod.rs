//! How likely customers are to close a deal.

pub(crate) mod customer;
pub(crate) mod funnel;
pub(crate) mod model;
pub(crate) mod rank;
pub(crate) mod shortlist;
