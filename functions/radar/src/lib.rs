//! The read side of the radar: feeds, overviews, metrics, analyses, rankings and the last recount,
//! of a card, a department or the company. Writes nothing.

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
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DepartmentId};
use edge::access::{CardLookup, DepartmentLookup};
use edge::routes;
use edge::routes::Routes;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clock::Clock;
use store::Store;

/// The state that the handlers share.
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
    /// Accepts deleted departments too: their numbers are kept.
    async fn find_department(&self, company: Company, department: DepartmentId) -> Result<(), Failure> {
        let known = self.store.departments(company).await?.has_known(department);
        if known { Ok(()) } else { Err(Failure::NotFound) }
    }
}

/// The function, ready to run.
pub fn build(Common { store, tokens, clock, .. }: Common) -> Router {
    router(App { store, clock: clock.clone() }, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "radar";

    fn routes<R: Routes<Self>>(list: R) -> R {
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
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
