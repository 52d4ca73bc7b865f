//! Creating requests: each carries a key, and its retries get the first answer.
//!
//! The key stands for the caller, the method and the path of the request: the same key below
//! another resource is another request. The body is compared as a JSON value: the order of an
//! object's members does not count, `1` and `1.0` differ.
//!
//! Until November 2026 the key stood for the matched route, and the body was compared byte by byte.
//! A retry whose first request was answered by that code, at most 24 hours before, gets 422 on a
//! route without an id, and counts as a new request on a route with an id.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body as HttpBody;
use axum::extract::FromRequest;
use data_encoding::HEXLOWER;
use domain::kernel::idempotency::Idempotency;
use http::Request;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::Actor;
use crate::body;
use crate::problem::{Code, Problem};

/// Header with the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
const KEY_LEN: std::ops::RangeInclusive<usize> = 8..=128;

/// The body of a creating request, with what identifies its retries.
#[derive(Debug)]
pub struct IdempotentRequest<T> {
    /// Method and path.
    target: String,
    key: String,
    fingerprint: String,
    body: T,
}

impl<T> IdempotentRequest<T> {
    /// The body, and the identity of the request if `actor` makes it.
    pub fn of(self, actor: &impl Actor) -> (T, Idempotency) {
        let Self { target, key, fingerprint, body } = self;
        let key = hex(format!("{}\n{target}\n{key}", actor.actor()).as_bytes());
        (body, Idempotency { key, fingerprint })
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for IdempotentRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<HttpBody>, _: &S) -> Result<Self, Problem> {
        let key = request.headers().get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()).filter(|key| is_key(key));
        let key = key.ok_or_else(|| Problem::of(Code::IdempotencyKeyRequired))?.to_owned();
        let target = format!("{} {}", request.method(), request.uri().path());
        let bytes = body::read(request).await?;
        let body = body::parse(&bytes)?;
        Ok(Self { target, key, fingerprint: hex(canonical(&bytes)?.as_bytes()), body })
    }
}

/// The JSON value of a body as one text, whatever the order of members and the white space.
fn canonical(body: &[u8]) -> Result<String, Problem> {
    // An object is kept in the order of its members' names.
    body::parse::<Value>(body).map(|value| value.to_string())
}

fn is_key(key: &str) -> bool {
    KEY_LEN.contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    struct Somebody(&'static str);

    impl Actor for Somebody {
        fn actor(&self) -> String {
            self.0.to_owned()
        }
    }

    fn identity(actor: &'static str, method: &str, path: &str, body: &'static str) -> Idempotency {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header(IDEMPOTENCY_KEY, "key-of-a-test")
            .body(HttpBody::from(body))
            .unwrap();
        // A body that has arrived is read without waiting.
        let read =
            pin!(IdempotentRequest::<Value>::from_request(request, &())).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(once) = read else { panic!("the body is there") };
        once.unwrap().of(&Somebody(actor)).1
    }

    #[test]
    fn a_key_stands_for_caller_method_and_path() {
        let first = identity("a", "POST", "/v1/companies/1/seats", "{}");
        assert_eq!(first, identity("a", "POST", "/v1/companies/1/seats", "{}"));
        for other in [
            identity("b", "POST", "/v1/companies/1/seats", "{}"),
            identity("a", "PUT", "/v1/companies/1/seats", "{}"),
            identity("a", "POST", "/v1/companies/2/seats", "{}"),
        ] {
            assert_ne!(first.key, other.key);
        }
    }

    #[test]
    fn a_query_is_no_part_of_the_path() {
        let with_query = identity("a", "POST", "/v1/members?x=1", "{}");
        assert_eq!(with_query, identity("a", "POST", "/v1/members", "{}"));
    }

    #[test]
    fn a_body_is_compared_as_a_value() {
        let fingerprint = |body| identity("a", "POST", "/v1/members", body).fingerprint;
        let first = fingerprint(r#"{"name":"林晓","seats":{"a":1,"b":[1,2]}}"#);
        assert_eq!(first, fingerprint("{ \"seats\": {\"b\": [1, 2], \"a\": 1},\n \"name\": \"\\u6797晓\" }"));
        for other in [
            r#"{"name":"林晓","seats":{"a":1,"b":[2,1]}}"#,
            r#"{"name":"林晓","seats":{"a":1.0,"b":[1,2]}}"#,
            r#"{"name":"林晓","seats":{"a":"1","b":[1,2]}}"#,
            r#"{"name":"林晓"}"#,
        ] {
            assert_ne!(first, fingerprint(other), "{other}");
        }
    }
}
