//! HTTP at the edge: problems, extractors, authorization, idempotency, pages, OpenAPI.
//!
//! Only this crate knows HTTP statuses, and only it can make a [`auth::Caller`]. It
//! knows nothing of the table.

pub mod access;
pub mod address;
pub mod app;
pub mod auth;
pub mod body;
pub mod budget;
pub mod client;
pub mod feed;
mod field_problem;
pub mod fresh;
pub mod idempotency;
pub mod openapi;
pub mod operator;
pub mod opportunity;
pub mod page;
pub mod path;
pub mod problem;
pub mod radar_on;
pub mod refresh_token;
mod refusal;
pub mod routes;
pub mod socket;
pub mod target;
pub mod token;
mod token_memory;
mod trace;
