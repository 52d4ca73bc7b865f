//! `/v1/jobs`: work for many customers that goes on without the member who started it (批量任务).

use app::crm::{bulk_tags, job};
use axum::Json;
use axum::extract::State;
use domain::crm::job::{BulkTags, Job, JobCounts, JobFailure, JobKind, JobPersons, JobStarter, JobState};
use domain::crm::tag::TagIds;
use domain::crm::viewer::Viewer;
use domain::kernel::field::FieldError;
use domain::kernel::id::{JobId, MemberId};
use domain::kernel::timestamp::Timestamp;
use edge::auth::Staff;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Tags to give to many customers, and to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkTagsBody {
    /// The customers.
    person_ids: JobPersons,
    /// Tags to give.
    #[serde(default)]
    #[schema(required = false)]
    add: TagIds,
    /// Tags to take.
    #[serde(default)]
    #[schema(required = false)]
    remove: TagIds,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobBody {
    /// The id.
    job_id: JobId,
    /// What it does.
    kind: JobKind,
    /// How far it is: `queued`, `running`, then `done`, `failed` or `cancelled`.
    state: JobState,
    /// Why it has failed. `null` if it has not.
    failure: Option<JobFailure>,
    /// The member who started it.
    started_by: MemberId,
    /// When it was started.
    started_at: Timestamp,
    /// When it last went on, or ended.
    moved_at: Timestamp,
    /// The number of customers, or rows.
    total: u32,
    /// Those that are as the job wants them.
    done: u32,
    /// Those that the member may not see or change; of an import those that are customers already, of its
    /// undoing those that have changed.
    skipped: u32,
    /// Those that a limit or an error has kept from it.
    failed: u32,
}

impl From<Job> for JobBody {
    fn from(Job { id, kind, state, by, started_at, moved_at, total, counts, failure, .. }: Job) -> Self {
        let JobCounts { done, skipped, failed } = counts;
        let started_by = by.member;
        Self { job_id: id, kind, state, failure, started_by, started_at, moved_at, total, done, skipped, failed }
    }
}

impl BulkTagsBody {
    fn checked(self) -> Result<BulkTags, Problem> {
        let [add, remove] = [self.add, self.remove].map(|tags| tags.as_slice().to_vec());
        if self.person_ids.as_slice().is_empty() {
            return Err(Problem::field("/person_ids", &FieldError::new("required", "请选择客户")));
        }
        if add.is_empty() && remove.is_empty() {
            return Err(Problem::field("/add", &FieldError::new("required", "请选择标签")));
        }
        Ok(BulkTags { persons: self.person_ids.as_slice().to_vec(), add, remove })
    }
}

/// The member, as they start a job.
pub(crate) fn starter(staff: &Staff) -> JobStarter {
    JobStarter { member: staff.id(), card: staff.card(), admin: staff.is_admin() }
}

/// The member, as they look at customers and jobs.
pub(crate) fn viewer(staff: &Staff) -> Viewer {
    Viewer { member: staff.id(), card: staff.card(), admin: staff.is_admin() }
}

/// Tag many customers
///
/// Starts a job that gives tags to customers and takes others. Customers whom the caller may not see are
/// skipped, and so are ids of nobody; those with too many tags fail. The job begins within a minute and
/// ends when the rights of the caller change. Callers: members, while their radar is on. Idempotent by
/// `Idempotency-Key`. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the radar of the
/// caller is off; 409 `limit_reached` with 50 open jobs of the company; 422 `invalid` without customers or
/// tags, for a tag that does not exist, and for more than 1,000 customers.
#[utoipa::path(post, path = "/v1/customer-tags/bulk", tag = "crm", request_body = BulkTagsBody, params(IdempotencyKey),
    responses((status = 202, body = JobBody)))]
pub(crate) async fn tag_customers(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<BulkTagsBody>,
) -> Result<(StatusCode, Json<JobBody>), Problem> {
    let (tags, request) = once.of(&staff);
    let started = bulk_tags::start(&app.flow(), staff.company(), starter(&staff), tags.checked()?, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// List jobs
///
/// Returns the jobs of the last 90 days, the latest first: of members their own, of admins and the boss
/// all. A page may be short and not the last. Callers: members, while their radar is on. Idempotent. Errors:
/// 403 `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/jobs", tag = "crm", params(PageParams), responses((status = 200, body = PageBody<JobBody>)))]
pub(crate) async fn list_jobs(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    paging: Paging,
) -> Result<Json<PageBody<JobBody>>, Problem> {
    let page = app.store.list_jobs(staff.company(), viewer(&staff), paging.position()?, paging.limit).await?;
    let jobs = page.items.into_iter().map(JobBody::from).collect();
    Ok(Json(paging.page(jobs, page.next)))
}

/// Get a job
///
/// Callers: the member who started it, admins and the boss, while their radar is on. Idempotent. Errors: 403
/// `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found`
/// for other members, and for an unknown job.
#[utoipa::path(get, path = "/v1/jobs/{job_id}", tag = "crm", responses((status = 200, body = JobBody)))]
pub(crate) async fn get_job(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobBody>, Problem> {
    Ok(Json(job::find(&app.flow(), staff.company(), viewer(&staff), id).await?.into()))
}

/// Cancel a job
///
/// Ends a job before its last step; what it has done stays. A job that has ended stays as it is. Callers: the
/// member who started it, admins and the boss, while their radar is on; a handover only who started it.
/// Idempotent. Errors: 403 `role_required` for visitors, and for somebody else's handover; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found`
/// for other members, and for an unknown job.
#[utoipa::path(put, path = "/v1/jobs/{job_id}/cancellation", tag = "crm", responses((status = 200, body = JobBody)))]
pub(crate) async fn cancel_job(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobBody>, Problem> {
    Ok(Json(job::cancel(&app.flow(), staff.company(), viewer(&staff), id).await?.into()))
}
