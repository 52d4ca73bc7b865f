//! `/v1/automation-dry-runs`: whom a rule of automation would have hit (自动化试运行).

use app::crm::automation_dry_run;
use axum::Json;
use axum::extract::State;
use domain::crm::automation_dry_run::{DryRunHit, DryRunState};
use domain::crm::job::{Job, JobStarter};
use domain::kernel::id::{AutomationRuleId, JobId, PersonId};
use domain::kernel::timestamp::Timestamp;
use edge::auth::Admin;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::job::JobBody;

/// Nothing: the rule is in the path.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDryRun {}

/// Somebody whom a rule would have hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunHitBody {
    /// The customer.
    person_id: PersonId,
    /// When the rule would have hit them first.
    first_at: Timestamp,
    /// How often it would have hit them.
    times: u32,
}

/// What a dry run has found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunBody {
    /// The job; its `total` and `done` are days of the log.
    job: JobBody,
    /// How many customers the rule would have hit, as far as the log was read.
    customers: u32,
    /// Whether nothing was left out: people and events beyond what can be remembered.
    complete: bool,
    /// The customers of the page; of all at most the first 1,000 are listed.
    items: Vec<DryRunHitBody>,
    /// The cursor of the next page. `null` on the last page.
    next_cursor: Option<String>,
}

/// Start a dry run of a rule
///
/// Starts a job that looks whom the rule, switched on or not, would have hit in the last 30 days of the log, as
/// customers are now: with the tags, fields and evidence of today. A rule without an event is tried on all
/// customers as they are now, at most 10,000. Nothing of the customers changes. Callers: admins and the boss, while
/// their radar is on. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for other callers; 403
/// `radar_not_active` while the radar of the caller is off; 404 `not_found` without such a rule; 409
/// `limit_reached` with 50 open jobs of the company.
#[utoipa::path(post, path = "/v1/automation-rules/{automation_rule_id}/dry-runs", tag = "crm", request_body = NewDryRun,
    params(IdempotencyKey), responses((status = 202, body = JobBody)))]
pub(crate) async fn start_automation_dry_run(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(rule): PathId<AutomationRuleId>,
    once: IdempotentRequest<NewDryRun>,
) -> Result<(StatusCode, Json<JobBody>), Problem> {
    let (NewDryRun {}, request) = once.of(&admin);
    let started = automation_dry_run::start(&app.flow(), admin.company(), by(&admin), rule, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// Get a dry run
///
/// Callers: admins and the boss, while their radar is on. Idempotent. Errors: 403 `role_required` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` without such a dry run.
#[utoipa::path(get, path = "/v1/automation-dry-runs/{job_id}", tag = "crm", params(PageParams),
    responses((status = 200, body = DryRunBody)))]
pub(crate) async fn get_automation_dry_run(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(id): PathId<JobId>,
    paging: Paging,
) -> Result<Json<DryRunBody>, Problem> {
    let (job, found) = automation_dry_run::find(&app.flow(), admin.company(), by(&admin).viewer(), id).await?;
    Ok(Json(DryRunBody::new(job, &found, &paging)?))
}

/// The caller, as they start a job: for customers of all cards.
fn by(admin: &Admin) -> JobStarter {
    JobStarter { member: admin.member(), card: None, admin: true }
}

impl DryRunBody {
    fn new(job: Job, found: &DryRunState, paging: &Paging) -> Result<Self, Problem> {
        let after: Option<PersonId> = paging.position()?;
        let item = |(person, hit): (&PersonId, &DryRunHit)| DryRunHitBody {
            person_id: *person,
            first_at: hit.first_at,
            times: hit.times,
        };
        let later = found.hits.iter().filter(|(person, _)| after.is_none_or(|after| **person > after));
        let mut items: Vec<_> = later.map(item).take(paging.limit as usize + 1).collect();
        let more = items.len() > paging.limit as usize;
        items.truncate(paging.limit as usize);
        let next = items.last().filter(|_| more).map(|last| last.person_id);
        let page = paging.page(items, next);
        let (customers, complete) = (found.customers, !found.incomplete);
        Ok(Self { job: job.into(), customers, complete, items: page.items, next_cursor: page.next_cursor })
    }
}
