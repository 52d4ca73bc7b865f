//! Thin clients of the WeChat mini-program API, and of the SMS service beside it.
//!
//! The vendor answers HTTP 200 with an `errcode` if it rejects a request. This crate parses the
//! answers into its own types; nothing else of them leaves it. Secrets and codes are part of the
//! URLs, so no URL may get into an error or a log.

mod access_token;
mod http;
mod login;
mod phone;
mod sms;
mod transport;

pub use crate::access_token::{AccessToken, AccessTokens};
pub use crate::http::Http;
pub use crate::login::{Login, LoginCode};
pub use crate::phone::PhoneCode;
pub use crate::sms::{Sms, SmsAccount, SmsError};
pub use crate::transport::{AppSecret, WeChat, WeChatError};
