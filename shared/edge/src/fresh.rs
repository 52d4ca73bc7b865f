//! Fresh logins: for what must not be done from a device that was left lying about, or by a session
//! that was stolen.

use axum::extract::FromRequestParts;
use domain::kernel::timestamp::Timestamp;
use domain::people::session::is_fresh;
use http::request::Parts;
use serde_json::{Map, Value};

use crate::auth::{Admin, Boss, authenticator};
use crate::problem::{Code, Problem};

/// Introduces the list of the operations that ask for a fresh login.
const FRESH_LOGINS: &str = "\
These operations ask for a login by `wx.login` in the last five minutes, a refreshed session keeps the time of its \
login. So does letting in somebody who becomes an admin: as a member, by a claim code, an invitation or \
a request to join. After 403 `fresh_login_required`, call `wx.login`, log in again and send the request again:\n";

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
        let is_fresh = is_fresh(permission.logged_in_at(), authenticator(parts)?.clock.now());
        if is_fresh { Ok(Self(permission)) } else { Err(Problem::of(Code::FreshLoginRequired)) }
    }
}

/// Whether the description says so of all callers.
fn asks_always(description: &str) -> bool {
    description.split_whitespace().collect::<Vec<_>>().join(" ").contains("with a fresh login")
}

/// The operations that ask for a fresh login, as a paragraph.
pub(crate) fn paragraph(paths: &Map<String, Value>) -> String {
    let mut names = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["description"].as_str().is_some_and(asks_always) {
                names.push(format!("\n- `{} {path}`", method.to_uppercase()));
            }
        }
    }
    names.sort();
    format!("{FRESH_LOGINS}{}", names.concat())
}
