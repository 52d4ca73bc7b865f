//! Event ingest: validates a batch, enriches it and puts it into the queues as one
//! message. Counts nothing and writes nothing to the table.

mod cards;
mod queue;
mod record_events;

use std::sync::Arc;

use axum::Router;
use edge::app::app;
use edge::auth::Gate;
use edge::openapi::ApiDoc;
use edge::routes;
use edge::routes::Routes;
use edge::token::{KeyError, TokenVerifier};
use runtime::clock::Clock;
use runtime::config::{ConfigError, Env};
use store::Store;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::cards::KnownCards;
use crate::queue::Queues;

/// What the function reads from its environment.
#[derive(Debug)]
pub struct Config {
    /// The table.
    pub table_name: String,
    /// The queue to the radar aggregator.
    pub stats_queue_url: String,
    /// The queue to the live radar.
    pub live_queue_url: String,
    /// Public keys of bearer tokens, a JWK set.
    pub token_verification_keys: String,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn load(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: env.required("TABLE_NAME")?,
            stats_queue_url: env.required("STATS_QUEUE_URL")?,
            live_queue_url: env.required("LIVE_QUEUE_URL")?,
            token_verification_keys: env.required("TOKEN_VERIFICATION_KEYS")?,
        })
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    cards: Arc<KnownCards>,
    queues: Queues,
    clock: Clock,
}

/// The function, ready to run.
///
/// # Errors
/// When the token keys cannot be used.
pub fn build(
    config: Config,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    clock: Clock,
) -> Result<Router, KeyError> {
    let tokens = TokenVerifier::from_jwks(&config.token_verification_keys)?;
    let state = App {
        cards: Arc::new(KnownCards::new(Store::new(dynamodb, config.table_name))),
        queues: Queues::new(sqs, config.stats_queue_url, config.live_queue_url),
        clock: clock.clone(),
    };
    Ok(app("tracking", routes(Router::new()), state, Gate { tokens, clock }))
}

fn routes<R: Routes<App>>(list: R) -> R {
    list.routes(routes!(record_events::record_events))
}

/// The function's part of the contract.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes(OpenApiRouter::with_openapi(ApiDoc::openapi())).into_openapi()
}
