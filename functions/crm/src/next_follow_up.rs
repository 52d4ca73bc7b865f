//! `/v1/customers/{person_id}/next-follow-up` and the lists of what is due (下次跟进).

use std::collections::BTreeMap;

use app::crm::follow_up_plan::{PlanList, PlanPage, PlannedCustomer};
use axum::Json;
use axum::extract::State;
use domain::crm::due::FollowUpDue;
use domain::crm::follow_up::NextFollowUp;
use domain::kernel::field::FieldError;
use domain::kernel::id::{MemberId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::feed::visitor_name;
use edge::access::CustomerCaller;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::page::{PageParams, Paging};
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{App, record_editor};

/// When to follow up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextFollowUpUpdate {
    /// The moment, within a year. Required unless `at_best_hour` is set.
    at: Option<Timestamp>,
    /// Whether to plan it for the hour at which the customer will likely be there.
    #[serde(default)]
    #[schema(required = false)]
    at_best_hour: bool,
}

/// A planned follow-up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NextFollowUpBody {
    /// When to follow up.
    at: Timestamp,
    /// When it is due.
    due: FollowUpDue,
    /// The member who will.
    planned_by: MemberId,
    /// When it was planned.
    planned_at: Timestamp,
}

/// The filter of what is planned.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DueQuery {
    /// Only what is due then.
    #[param(inline)]
    due: Option<FollowUpDue>,
}

/// The filter of what the company's members have planned.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TeamDueQuery {
    /// Only what is due then.
    #[param(inline)]
    due: Option<FollowUpDue>,
    /// Only what this member has planned.
    member_id: Option<MemberId>,
}

/// A page of planned follow-ups, the first due first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FollowUpPlans {
    /// How many are due when, whatever the filter by `due`.
    counts: BTreeMap<FollowUpDue, u32>,
    /// Whether these are all: only the 1,000 that are due first are listed and counted.
    complete: bool,
    /// The planned follow-ups.
    items: Vec<FollowUpPlanBody>,
    /// The cursor of the next page. `null` on the last page.
    next_cursor: Option<String>,
}

/// A planned follow-up of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FollowUpPlanBody {
    /// The customer.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// When to follow up.
    at: Timestamp,
    /// When it is due.
    due: FollowUpDue,
    /// The member who will.
    planned_by: MemberId,
}

impl NextFollowUpUpdate {
    /// The moment; `None` for the best hour.
    fn moment(&self) -> Result<Option<Timestamp>, Problem> {
        let refused = |code, detail: &str| Err(Problem::field("/at", &FieldError::new(code, detail)));
        match (self.at, self.at_best_hour) {
            (None, false) => refused("required", "请填写跟进时间，或选择在最佳时间跟进"),
            (Some(_), true) => refused("not_allowed", "跟进时间和最佳时间只能选择一个"),
            (at, _) => Ok(at),
        }
    }
}

impl NextFollowUpBody {
    /// A plan as it stands at `now`.
    pub(crate) fn of(plan: NextFollowUp, now: Timestamp) -> Self {
        Self { at: plan.at, due: FollowUpDue::of(plan.at, now), planned_by: plan.by, planned_at: plan.set_at }
    }
}

/// Plan the next follow-up of a customer
///
/// Replaces the plan of before, whoever made it. With `at_best_hour` the answer says which moment that is.
/// Callers: members whose card the person has visited,
/// admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other
/// callers, and for a person who is no customer; 403 `radar_not_active` while the radar of the caller is
/// off; 422 `invalid` for a moment that is past or more than a year ahead; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/next-follow-up", tag = "crm",
    request_body = NextFollowUpUpdate, responses((status = 200, body = NextFollowUpBody)))]
pub(crate) async fn plan_follow_up(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(update): Body<NextFollowUpUpdate>,
) -> Result<Json<NextFollowUpBody>, Problem> {
    let flow = app.flow();
    let planned = match update.moment()? {
        Some(at) => record_editor(caller).plan_follow_up(&flow, at).await?,
        None => record_editor(caller).plan_at_best_hour(&flow).await?,
    };
    Ok(Json(NextFollowUpBody::of(planned, flow.now)))
}

/// Remove the plan of the next follow-up
///
/// Callers: members whose card the person has visited, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers, and for a person who is no customer; 403
/// `radar_not_active` while the radar of the caller is off; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(delete, path = "/v1/customers/{person_id}/next-follow-up", tag = "crm", responses((status = 204)))]
pub(crate) async fn unplan_follow_up(State(app): State<App>, caller: CustomerCaller) -> Result<StatusCode, Problem> {
    record_editor(caller).unplan_follow_up(&app.flow()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List what the caller has planned
///
/// Returns the planned follow-ups of the caller, the first due first, and how many are overdue, due today,
/// this week and later, by the calendar of Asia/Shanghai. Callers: members, while their radar is on.
/// Idempotent. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the radar of the
/// caller is off.
#[utoipa::path(get, path = "/v1/my/follow-up-plans", tag = "crm", params(PageParams, DueQuery),
    responses((status = 200, body = FollowUpPlans)))]
pub(crate) async fn list_my_follow_up_plans(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    paging: Paging<DueQuery>,
) -> Result<Json<FollowUpPlans>, Problem> {
    let list = PlanList { company: staff.company(), member: Some(staff.id()), due: paging.filter.due };
    let page = list.page(&app.flow(), paging.position()?, paging.limit).await?;
    Ok(Json(plans(page, &paging)))
}

/// List what the company's members have planned
///
/// Returns the planned follow-ups of all members or of one, the first due first, and how many are overdue,
/// due today, this week and later, by the calendar of Asia/Shanghai. Callers: admins and the boss, while
/// their radar is on. Idempotent. Errors: 403 `role_required` for other callers; 403 `radar_not_active`
/// while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/follow-up-plans", tag = "crm", params(PageParams, TeamDueQuery),
    responses((status = 200, body = FollowUpPlans)))]
pub(crate) async fn list_follow_up_plans(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    paging: Paging<TeamDueQuery>,
) -> Result<Json<FollowUpPlans>, Problem> {
    let TeamDueQuery { due, member_id: member } = paging.filter;
    let list = PlanList { company: admin.company(), member, due };
    let page = list.page(&app.flow(), paging.position()?, paging.limit).await?;
    Ok(Json(plans(page, &paging)))
}

fn plans<F>(PlanPage { counts, complete, items, next }: PlanPage, paging: &Paging<F>) -> FollowUpPlans {
    let item = |PlannedCustomer { plan, due, name }: PlannedCustomer| FollowUpPlanBody {
        person_id: plan.person,
        name: name.unwrap_or_else(|| visitor_name(plan.person)),
        at: plan.at,
        due,
        planned_by: plan.by,
    };
    let page = paging.page(items.into_iter().map(item).collect(), next);
    FollowUpPlans { counts, complete, items: page.items, next_cursor: page.next_cursor }
}
