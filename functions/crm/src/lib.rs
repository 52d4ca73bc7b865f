//! Customers as the company's members see them: profiles, close rates set by hand and closed deals.

mod addition;
mod automation;
mod automation_dry_run;
mod automation_rule;
mod close_rate;
mod custom_field;
mod customer;
mod customer_rules;
mod deal;
mod expectation;
mod export;
mod follow_up;
mod handover;
mod import;
mod import_preview;
mod job;
mod likely_duplicate;
mod list;
mod merge;
mod my_data;
mod next_follow_up;
mod ownership;
mod tag;
mod timeline;
mod view;

use app::Flow;
use app::crm::customer::CustomerEditor;
use app::crm::record::RecordEditor;
use axum::Router;
use edge::access::{CustomerAccess, CustomerCaller};
use edge::routes;
use edge::routes::Routes;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clock::Clock;
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use store::Store;

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// The context of one request for the flows.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

/// The editor of the customer in the path.
fn editor(access: CustomerAccess) -> CustomerEditor {
    let (company, card, person) = (access.company(), access.card(), access.person());
    CustomerEditor { company, card, person, by: access.member(), radar_on: access.radar_on() }
}

/// The member and the customer in the path.
fn record_editor(caller: CustomerCaller) -> RecordEditor {
    let (company, person) = (caller.company(), caller.person());
    RecordEditor { company, person, viewer: caller.viewer(), radar_on: caller.radar_on() }
}

/// The function, ready to run.
pub fn build(Common { store, tokens, clock, ids }: Common, media: SignedBucket) -> Router {
    router(App { store, media, clock: clock.clone(), ids }, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "crm";

    fn routes<R: Routes<Self>>(list: R) -> R {
        list.routes(routes!(list::list_customers, addition::create_customer))
            .routes(routes!(view::list_customer_views, view::create_customer_view))
            .routes(routes!(view::update_customer_view, view::delete_customer_view))
            .routes(routes!(customer::get_customer, addition::delete_customer))
            .routes(routes!(my_data::get_my_data))
            .routes(routes!(timeline::list_timeline))
            .routes(routes!(customer::set_profile))
            .routes(routes!(customer::restore_profile_value))
            .routes(routes!(follow_up::create_follow_up, follow_up::list_follow_ups))
            .routes(routes!(follow_up::update_follow_up, follow_up::delete_follow_up))
            .routes(routes!(next_follow_up::plan_follow_up, next_follow_up::unplan_follow_up))
            .routes(routes!(next_follow_up::list_my_follow_up_plans))
            .routes(routes!(next_follow_up::list_follow_up_plans))
            .routes(routes!(tag::list_customer_tags, tag::create_customer_tag))
            .routes(routes!(tag::update_customer_tag, tag::delete_customer_tag))
            .routes(routes!(tag::merge_customer_tag))
            .routes(routes!(tag::set_customer_tags))
            .routes(routes!(likely_duplicate::list_likely_duplicates))
            .routes(routes!(merge::merge_customer))
            .routes(routes!(handover::preview_handover))
            .routes(routes!(handover::create_handover, handover::list_handovers))
            .routes(routes!(handover::get_handover))
            .routes(routes!(handover::undo_handover))
            .routes(routes!(import_preview::create_import_preview))
            .routes(routes!(import_preview::get_import_preview))
            .routes(routes!(import::create_import))
            .routes(routes!(import::undo_import))
            .routes(routes!(import::list_job_errors))
            .routes(routes!(export::create_export))
            .routes(routes!(export::get_export))
            .routes(routes!(job::tag_customers))
            .routes(routes!(job::list_jobs))
            .routes(routes!(job::get_job))
            .routes(routes!(job::cancel_job))
            .routes(routes!(custom_field::list_customer_fields, custom_field::create_customer_field))
            .routes(routes!(custom_field::update_customer_field, custom_field::delete_customer_field))
            .routes(routes!(custom_field::set_custom_fields))
            .routes(routes!(custom_field::restore_custom_value))
            .routes(routes!(expectation::set_expected_close))
            .routes(routes!(ownership::claim_customer))
            .routes(routes!(ownership::assign_customer, ownership::give_customer_back))
            .routes(routes!(ownership::list_collaborators))
            .routes(routes!(ownership::set_collaborator, ownership::remove_collaborator))
            .routes(routes!(customer_rules::get_customer_rules, customer_rules::update_customer_rules))
            .routes(routes!(customer_rules::preview_recycle_rule))
            .routes(routes!(customer_rules::list_my_recycle_warnings))
            .routes(routes!(automation::get_automation_rules, automation::update_automation_rules))
            .routes(routes!(automation::list_automation_hits))
            .routes(routes!(automation::list_my_automation_notices))
            .routes(routes!(automation_dry_run::start_automation_dry_run))
            .routes(routes!(automation_dry_run::get_automation_dry_run))
            .routes(routes!(close_rate::set_close_rate, close_rate::clear_close_rate))
            .routes(routes!(deal::create_deal))
            .routes(routes!(deal::delete_deal))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
