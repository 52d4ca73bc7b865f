//! Customers, as the company's people see them: rates set by hand and closed deals.

mod close_rate;
mod deals;

use app::Flow;
use app::crm::customer::CustomerEditor;
use axum::Router;
use edge::app::app;
use edge::access::CustomerAccess;
use edge::auth::Gate;
use edge::openapi::ApiDoc;
use edge::routes;
use edge::routes::Routes;
use edge::token::{KeyError, TokenVerifier};
use runtime::clock::Clock;
use runtime::config::{ConfigError, Env};
use runtime::ids::Ids;
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
        })
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// What the flows of one request work with.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

/// The changes that an access allows.
fn editor(access: CustomerAccess) -> CustomerEditor {
    let (company, card, person) = (access.company(), access.card(), access.person());
    CustomerEditor { company, card, person, by: access.member(), radar_on: access.radar_on() }
}

/// The function, ready to run.
///
/// # Errors
/// When the token keys cannot be used.
pub fn build(config: Config, dynamodb: aws_sdk_dynamodb::Client, clock: Clock, ids: Ids) -> Result<Router, KeyError> {
    let tokens = TokenVerifier::from_jwks(&config.token_verification_keys)?;
    let state = App { store: Store::new(dynamodb, config.table_name), clock: clock.clone(), ids };
    Ok(app("crm", routes(Router::new()), state, Gate { tokens, clock }))
}

fn routes<R: Routes<App>>(list: R) -> R {
    list.routes(routes!(close_rate::set_close_rate, close_rate::clear_close_rate))
        .routes(routes!(deals::create_deal))
        .routes(routes!(deals::delete_deal))
}

/// The function's part of the contract.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes(OpenApiRouter::with_openapi(ApiDoc::openapi())).into_openapi()
}
