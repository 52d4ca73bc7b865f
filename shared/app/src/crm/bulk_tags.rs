//! Giving tags to many customers, and taking them.

use domain::company::Company;
use domain::crm::command::CustomerError;
use domain::crm::job::{BulkTags, Job, JobCounts, JobInput, JobStarter, JobStep};
use domain::crm::tag::TagBook;
use domain::kernel::failure::Failure;
use domain::kernel::idempotency::Idempotency;
use store::RecordRead;

use crate::Flow;
use crate::crm::job;
use crate::crm::record::RecordEditor;

/// Customers of one step.
const STEP: usize = 20;

/// Starts a job that gives tags to customers and takes others, once per request.
///
/// # Errors
/// `unknown_tag` at `/add`, and those of [`job::start`].
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    tags: BulkTags,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let book: TagBook = flow.store.book(company, RecordRead::ToShow).await?;
    book.resolve_all(&tags.add).map_err(|error| error.at("/add"))?;
    job::start(flow, company, by, JobInput::BulkTags(tags), request).await
}

/// The next customers of a job. Those that have the tags already count as done, so that a step that is
/// taken again has the same counts.
pub(crate) async fn step(
    flow: &Flow<'_>,
    company: Company,
    job: &Job,
    BulkTags { persons, add, remove }: &BulkTags,
) -> Result<JobStep, Failure> {
    let mut counts = JobCounts::default();
    let looked_at = usize::try_from(job.counts.looked_at()).unwrap_or(usize::MAX);
    for person in persons.iter().skip(looked_at).take(STEP) {
        // Who turns off a radar changes rights: the job ends by that.
        let editor = RecordEditor { company, person: *person, viewer: job.by.viewer(), radar_on: true };
        match editor.set_tags(flow, add, remove).await {
            Ok(_) => counts.done += 1,
            Err(CustomerError::Failed(Failure::NotFound | Failure::RoleRequired)) => counts.skipped += 1,
            Err(CustomerError::Failed(failure)) => return Err(failure),
            Err(_) => counts.failed += 1,
        }
    }
    Ok(JobStep { counts, ..JobStep::default() })
}
