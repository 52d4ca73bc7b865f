//! The read side of the radar: feeds, overviews, metrics, analyses, rankings and the last recount,
//! of a card, a department or the company. Writes nothing.

mod close_rate;
mod radar;
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
        list.routes(routes!(radar::feed::get_card_feed))
            .routes(routes!(radar::my_event::list_my_events))
            .routes(routes!(radar::feed::get_company_feed))
            .routes(routes!(radar::today::get_card_today))
            .routes(routes!(radar::today::get_company_today))
            .routes(routes!(radar::today::get_department_today))
            .routes(routes!(radar::metrics::get_card_metrics))
            .routes(routes!(radar::metrics::get_company_metrics))
            .routes(routes!(radar::metrics::get_department_metrics))
            .routes(routes!(radar::behaviour::get_card_behaviour))
            .routes(routes!(radar::behaviour::get_company_behaviour))
            .routes(routes!(radar::behaviour::get_department_behaviour))
            .routes(routes!(radar::object::get_card_objects))
            .routes(routes!(radar::object::get_company_objects))
            .routes(routes!(radar::sharer::get_card_sharers))
            .routes(routes!(radar::sharer::get_company_sharers))
            .routes(routes!(radar::sharer_profile::get_card_sharer_profile))
            .routes(routes!(radar::sharer_profile::get_company_sharer_profile))
            .routes(routes!(radar::shop_visit::get_card_shop_visits))
            .routes(routes!(radar::shop_visit::get_company_shop_visits))
            .routes(routes!(close_rate::shortlist::get_card_customers))
            .routes(routes!(close_rate::shortlist::get_company_customers))
            .routes(routes!(close_rate::customer::get_card_customer))
            .routes(routes!(close_rate::customer::get_company_customer))
            .routes(routes!(close_rate::funnel::get_card_funnel))
            .routes(routes!(close_rate::funnel::get_company_funnel))
            .routes(routes!(radar::ranking::get_rankings))
            .routes(routes!(radar::recount::get_recount))
            .routes(routes!(close_rate::model::get_close_rate_model))
            .routes(routes!(radar::day::get_card_days))
            .routes(routes!(radar::day::get_company_days))
            .routes(routes!(radar::day::get_department_days))
            .routes(routes!(radar::range::get_card_range))
            .routes(routes!(radar::range::get_company_range))
            .routes(routes!(radar::range::get_department_range))
            .routes(routes!(radar::heat_map::get_card_heat_map))
            .routes(routes!(radar::heat_map::get_company_heat_map))
            .routes(routes!(radar::heat_map::get_department_heat_map))
            .routes(routes!(radar::filtered::get_card_filtered))
            .routes(routes!(radar::filtered::get_company_filtered))
            .routes(routes!(radar::filtered::get_department_filtered))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
