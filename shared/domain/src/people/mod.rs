//! Members and how they come in: invitations, claims, requests to join, radar activation; their sessions.

pub mod activation;
pub mod authority;
pub mod claim_code;
pub mod invitation;
pub mod join_request;
pub mod member;
pub mod session;
