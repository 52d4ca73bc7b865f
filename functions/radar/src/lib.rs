//! The radar's reading side: feeds, overviews, metrics, analyses, rankings and the last recount,
//! of one card, a department and the company. Writes nothing.

mod behaviour;
mod close_rate_model;
mod customer;
mod customers;
mod days;
mod feed;
mod feed_query;
mod filtered;
mod funnel;
mod metrics;
mod objects;
mod rankings;
mod recount;
mod sharer_profile;
mod sharers;
mod shop_visits;
mod today;
mod window_query;

use axum::Router;
use domain::company::Company;
use domain::failure::Failure;
use domain::id::{CardId, DepartmentId};
use edge::access::{CardLookup, DepartmentLookup};
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
}

impl CardLookup for App {
    async fn find_card(&self, company: Company, card: CardId) -> Result<(), Failure> {
        self.store.card(company, card).await.map(drop)
    }
}

impl DepartmentLookup for App {
    /// Also one that was removed: its numbers stay.
    async fn find_department(&self, company: Company, department: DepartmentId) -> Result<(), Failure> {
        let known = self.store.departments(company).await?.has_known(department);
        if known { Ok(()) } else { Err(Failure::NotFound) }
    }
}

/// The function, ready to run.
///
/// # Errors
/// When the token keys cannot be used.
pub fn build(config: Config, dynamodb: aws_sdk_dynamodb::Client, clock: Clock) -> Result<Router, KeyError> {
    let tokens = TokenVerifier::from_jwks(&config.token_verification_keys)?;
    let state = App { store: Store::new(dynamodb, config.table_name), clock: clock.clone() };
    Ok(app("radar", routes(Router::new()), state, Gate { tokens, clock }))
}

fn routes<R: Routes<App>>(list: R) -> R {
    list.routes(routes!(feed::get_card_feed))
        .routes(routes!(feed::get_company_feed))
        .routes(routes!(today::get_card_today))
        .routes(routes!(today::get_company_today))
        .routes(routes!(today::get_department_today))
        .routes(routes!(metrics::get_card_metrics))
        .routes(routes!(metrics::get_company_metrics))
        .routes(routes!(metrics::get_department_metrics))
        .routes(routes!(behaviour::get_card_behaviour))
        .routes(routes!(behaviour::get_company_behaviour))
        .routes(routes!(behaviour::get_department_behaviour))
        .routes(routes!(objects::get_card_objects))
        .routes(routes!(objects::get_company_objects))
        .routes(routes!(sharers::get_card_sharers))
        .routes(routes!(sharers::get_company_sharers))
        .routes(routes!(sharer_profile::get_card_sharer_profile))
        .routes(routes!(sharer_profile::get_company_sharer_profile))
        .routes(routes!(shop_visits::get_card_shop_visits))
        .routes(routes!(shop_visits::get_company_shop_visits))
        .routes(routes!(customers::get_card_customers))
        .routes(routes!(customers::get_company_customers))
        .routes(routes!(customer::get_card_customer))
        .routes(routes!(customer::get_company_customer))
        .routes(routes!(funnel::get_card_funnel))
        .routes(routes!(funnel::get_company_funnel))
        .routes(routes!(rankings::get_rankings))
        .routes(routes!(recount::get_recount))
        .routes(routes!(close_rate_model::get_close_rate_model))
        .routes(routes!(days::get_card_days))
        .routes(routes!(days::get_company_days))
        .routes(routes!(days::get_department_days))
        .routes(routes!(filtered::get_card_filtered))
        .routes(routes!(filtered::get_company_filtered))
        .routes(routes!(filtered::get_department_filtered))
}

/// The function's part of the contract.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes(OpenApiRouter::with_openapi(ApiDoc::openapi())).into_openapi()
}
