//! Uploads and what becomes of them.

pub mod upload;
