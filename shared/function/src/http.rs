//! The HTTP kind: routes and what their handlers share.

use axum::Router;
use edge::app::app;
use edge::auth::Authenticator;
use edge::budget::MemoryBudgets;
use edge::openapi::ApiDoc;
use edge::routes::{Routes, Served};
use edge::token::TokenVerifier;
use runtime::clock::Clock;
use runtime::ids::Ids;
use store::Store;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{Error, Start};

/// The parts that every HTTP function has.
#[derive(Clone)]
pub struct Common {
    /// The table.
    pub store: Store,
    /// Checks bearer tokens.
    pub tokens: TokenVerifier,
    /// Returns the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
}

/// The state that the handlers of an HTTP function share, and its routes.
pub trait HttpFunction: Clone + Send + Sync + 'static {
    /// The function's name, as in logs and metrics.
    const NAME: &'static str;

    /// Its operations, listed once for the served router and for the contract.
    fn routes<R: Routes<Self>>(list: R) -> R;
}

/// The function, ready to run.
pub fn router<F: HttpFunction>(function: F, tokens: TokenVerifier, clock: Clock) -> Router {
    let authenticator = Authenticator { tokens, clock, budgets: MemoryBudgets::default() };
    app(F::NAME, F::routes(Served::default()), function, authenticator)
}

/// The function's part of the contract.
pub fn contract<F: HttpFunction>() -> utoipa::openapi::OpenApi {
    F::routes(OpenApiRouter::with_openapi(ApiDoc::openapi())).into_openapi()
}

/// Serves the routes that `build` makes until the environment is shut down.
///
/// # Errors
/// Errors of `build` and of the runtime.
pub async fn run(build: impl FnOnce(&Start) -> Result<Router, Error>) -> Result<(), Error> {
    let router = build(&Start::process()?)?;
    edge::app::run(router).await
}
