//! Thin clients of the WeChat mini-program API, and of the SMS service beside it.
//!
//! The vendor answers HTTP 200 with an `errcode` when it refuses. What it sends is
//! read into our own types here; nothing else of it leaves this crate. Secrets and
//! codes are part of its URLs, so no URL may get into an error or a log.

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
