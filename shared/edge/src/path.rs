//! Ids in paths: text that cannot be an id is `not_found`.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::problem::{Code, Problem};

/// The single id of a path.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = text.and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| Problem::of(Code::NotFound))
    }
}

/// The three ids of a path.
#[derive(Debug, Clone, Copy)]
pub struct PathThreeIds<A, B, C>(pub A, pub B, pub C);

impl<S: Send + Sync, A: FromStr, B: FromStr, C: FromStr> FromRequestParts<S> for PathThreeIds<A, B, C> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts = Path::<(String, String, String)>::from_request_parts(parts, state).await.ok();
        let ids = texts.and_then(|Path((a, b, c))| Some(Self(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?)));
        ids.ok_or_else(|| Problem::of(Code::NotFound))
    }
}

/// The two ids of a path.
#[derive(Debug, Clone, Copy)]
pub struct PathIds<A, B>(pub A, pub B);

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await.ok();
        let ids = texts.and_then(|Path((a, b))| Some(Self(a.parse().ok()?, b.parse().ok()?)));
        ids.ok_or_else(|| Problem::of(Code::NotFound))
    }
}
