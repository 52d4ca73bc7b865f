//! Uploads.

pub(crate) mod upload;
