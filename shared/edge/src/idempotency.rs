//! Creating requests: each carries a key, and its retries get the first result.

use std::fmt::Display;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, MatchedPath};
use data_encoding::HEXLOWER;
use domain::idempotency::Idempotency;
use http::Request;
use serde::de::DeserializeOwned;

use crate::auth::Actor;
use crate::body;
use crate::problem::{Code, Problem};

/// Header with the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
const KEY_LEN: std::ops::RangeInclusive<usize> = 8..=128;

/// The body of a creating request, with what identifies its retries.
#[derive(Debug)]
pub struct Once<T> {
    route: String,
    key: String,
    fingerprint: String,
    body: T,
}

impl<T> Once<T> {
    /// The body, and the identity of the request when `actor` makes it.
    pub fn of(self, actor: &impl Actor) -> (T, Idempotency) {
        let Self { route, key, fingerprint, body } = self;
        let key = hex(format!("{}\n{route}\n{key}", actor.actor()).as_bytes());
        (body, Idempotency { key, fingerprint })
    }

    /// The same for a route below one thing: the key stands for that thing only.
    pub fn of_one(self, actor: &impl Actor, thing: impl Display) -> (T, Idempotency) {
        let route = format!("{} {thing}", self.route);
        Self { route, ..self }.of(actor)
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Once<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<HttpBody>, _: &S) -> Result<Self, Problem> {
        let key = request.headers().get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()).filter(|key| is_key(key));
        let key = key.ok_or_else(|| Problem::of(Code::IdempotencyKeyRequired))?.to_owned();
        let path = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
        let route = format!("{} {path}", request.method());
        let bytes = body::read(request).await?;
        Ok(Self { route, key, fingerprint: hex(&bytes), body: body::parse(&bytes)? })
    }
}

fn is_key(key: &str) -> bool {
    KEY_LEN.contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}
