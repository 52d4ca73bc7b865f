//! Models of close rates and the shortlists made by them.

pub(crate) mod model;
pub(crate) mod shortlist;
pub(crate) mod shortlist_refresh;
