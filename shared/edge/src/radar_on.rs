//! A caller whose own radar is on.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::auth::Caller;
use crate::problem::Problem;

/// A caller of the kind `T`, while their radar is on.
#[derive(Debug, Clone, Copy)]
pub struct RadarOn<T>(pub T);

impl<S: Send + Sync, T: FromRequestParts<S, Rejection = Problem> + Send> FromRequestParts<S> for RadarOn<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let who = T::from_request_parts(parts, state).await?;
        Caller::from_request_parts(parts, state).await?.require_radar()?;
        Ok(Self(who))
    }
}
