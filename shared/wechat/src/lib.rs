//! Thin clients of the WeChat mini-program API.
//!
//! The vendor answers HTTP 200 with an `errcode` when it refuses. What it sends is
//! read into our own types here; nothing else of it leaves this crate. Secrets and
//! codes are part of its URLs, so no URL may get into an error or a log.

mod access_token;
mod login;
mod transport;

pub use crate::access_token::{AccessToken, AccessTokens};
pub use crate::login::LoginCode;
pub use crate::transport::{AppSecret, WeChat, WeChatError};
