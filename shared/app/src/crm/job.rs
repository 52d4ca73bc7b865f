//! Jobs of members: started, shown and cancelled.

use domain::company::Company;
use domain::crm::command::CustomerError;
use domain::crm::job::{Job, JobInput, JobKind, JobStarter};
use domain::crm::viewer::Viewer;
use domain::kernel::failure::{Failure, Resource};
use domain::kernel::id::JobId;
use domain::kernel::idempotency::Idempotency;
use runtime::retry::Policy;
use store::JobConditions;

use crate::Flow;

/// Starts a job once per request. Returns the job that the first such request started.
///
/// # Errors
/// [`CustomerError::LimitReached`] when the company has as many open jobs as it may.
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    input: JobInput,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    start_as(flow, company, (flow.new_id()?, by, input), request, JobConditions::default()).await
}

/// The same with an id, and with what must be true together with it.
///
/// # Errors
/// Also those of the budgets.
pub(crate) async fn start_as(
    flow: &Flow<'_>,
    company: Company,
    (id, by, input): (JobId, JobStarter, JobInput),
    request: &Idempotency,
    conditions: JobConditions<'_>,
) -> Result<Job, CustomerError> {
    let job = Job::new(id, by, &input, flow.now);
    match flow.store.start_job(company, job, input, (request, conditions)).await {
        Err(Failure::Exhausted(Resource::Jobs)) => {
            Err(CustomerError::LimitReached("同时进行的批量任务最多 50 个，请等待其中一个完成"))
        }
        started => Ok(started?),
    }
}

/// A job that a member may see.
///
/// # Errors
/// [`Failure::NotFound`] for others.
pub async fn find(flow: &Flow<'_>, company: Company, viewer: Viewer, id: JobId) -> Result<Job, Failure> {
    let job = flow.store.job(company, id).await?;
    if job.is_visible_to(viewer) { Ok(job) } else { Err(Failure::NotFound) }
}

/// Ends a job before its last step. What it has done stays. Idempotent.
///
/// # Errors
/// [`Failure::NotFound`] for members who may not see it, [`Failure::RoleRequired`] for a handover of somebody
/// else.
pub async fn cancel(flow: &Flow<'_>, company: Company, viewer: Viewer, id: JobId) -> Result<Job, Failure> {
    let attempt = || async {
        let job = find(flow, company, viewer, id).await?;
        let after = job.cancelled(flow.now);
        if after == job {
            return Ok(job);
        }
        if !job.may_be_cancelled_by(viewer) {
            return Err(Failure::RoleRequired);
        }
        let handover = match job.kind {
            JobKind::Handover | JobKind::HandoverUndo => Some(flow.store.input_of_job(company, id).await?),
            JobKind::BulkTags | JobKind::ImportPreview | JobKind::Import | JobKind::ImportUndo => None,
            JobKind::Export | JobKind::AutomationDryRun => None,
        };
        flow.store.cancel_job(company, &after, handover.as_ref()).await
    };
    flow.store.retry().run(Policy::CONTENTION, attempt).await
}
