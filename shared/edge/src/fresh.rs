//! Fresh logins: for what must not be done from a device that was left lying about, or by a session
//! that was stolen.

use axum::extract::FromRequestParts;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::people::session::FRESH_LOGIN_MS;
use http::request::Parts;
use serde_json::{Map, Value};

use crate::auth::{Admin, Boss, authenticator};
use crate::problem::{Code, Problem};

/// Introduces the list of the operations that ask for a fresh login.
const FRESH_LOGINS: &str = "\
These operations ask for a login by `wx.login` in the last five minutes, a refreshed session keeps the time of its \
login. After 403 `fresh_login_required`, call `wx.login`, log in again and send the request again:\n";

/// A caller with this permission who logged in by WeChat at most five minutes ago.
#[derive(Debug, Clone, Copy)]
pub struct Fresh<P>(pub P);

/// A permission that comes from a login.
pub trait LoggedIn {
    /// When the caller logged in by WeChat.
    fn logged_in_at(&self) -> Timestamp;
}

impl LoggedIn for Admin {
    fn logged_in_at(&self) -> Timestamp {
        self.logged_in_at
    }
}

impl LoggedIn for Boss {
    fn logged_in_at(&self) -> Timestamp {
        self.0.logged_in_at
    }
}

impl<S: Sync, P: FromRequestParts<S, Rejection = Problem> + LoggedIn + Send> FromRequestParts<S> for Fresh<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let permission = P::from_request_parts(parts, state).await?;
        let age_s = authenticator(parts)?.clock.now().seconds() - permission.logged_in_at().seconds();
        let is_fresh = age_s <= FRESH_LOGIN_MS / SECOND_MS;
        if is_fresh { Ok(Self(permission)) } else { Err(Problem::of(Code::FreshLoginRequired)) }
    }
}

/// The operations that ask for a fresh login, as a paragraph.
pub(crate) fn paragraph(paths: &Map<String, Value>) -> String {
    let mut names = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["description"].as_str().is_some_and(|text| text.contains("`fresh_login_required`")) {
                names.push(format!("\n- `{} {path}`", method.to_uppercase()));
            }
        }
    }
    names.sort();
    format!("{FRESH_LOGINS}{}", names.concat())
}
