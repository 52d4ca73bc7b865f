//! Uploads: tickets by which members send files, and what became of them.

mod uploads;

use app::Flow;
use axum::Router;
use edge::app::app;
use edge::auth::Gate;
use edge::openapi::ApiDoc;
use edge::routes;
use edge::routes::Routes;
use edge::token::{KeyError, TokenVerifier};
use runtime::clock::Clock;
use runtime::config::{ConfigError, Env};
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use store::Store;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What the function reads from its environment.
#[derive(Debug)]
pub struct Config {
    /// The table.
    pub table_name: String,
    /// Public keys of bearer tokens, a JWK set.
    pub token_verification_keys: String,
    /// The bucket that files are sent to.
    pub media_bucket: String,
    /// Where it answers.
    pub media_url: String,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn load(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: env.required("TABLE_NAME")?,
            token_verification_keys: env.required("TOKEN_VERIFICATION_KEYS")?,
            media_bucket: env.required("MEDIA_BUCKET")?,
            media_url: env.required("MEDIA_URL")?,
        })
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// What the flows of one request work with.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

/// The function, ready to run.
///
/// # Errors
/// When the token keys cannot be used.
pub fn build(
    config: Config,
    dynamodb: aws_sdk_dynamodb::Client,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
) -> Result<Router, KeyError> {
    let tokens = TokenVerifier::from_jwks(&config.token_verification_keys)?;
    let state = App { store: Store::new(dynamodb, config.table_name), media, clock: clock.clone(), ids };
    Ok(app("video", routes(Router::new()), state, Gate { tokens, clock }))
}

fn routes<R: Routes<App>>(list: R) -> R {
    list.routes(routes!(uploads::create_upload)).routes(routes!(uploads::get_upload))
}

/// The function's part of the contract.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes(OpenApiRouter::with_openapi(ApiDoc::openapi())).into_openapi()
}
