//! Members: logging in, joining, what they may do.

pub mod activation;
pub mod claim_code;
pub mod invitation;
pub mod join;
pub mod join_request;
pub mod member;
pub mod phone;
pub mod radar_code;
pub mod refresh;
pub(crate) mod seat;
pub mod session;
