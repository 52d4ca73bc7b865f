//! Going on with jobs, step by step, by whoever has the next message.

use domain::company::Company;
use domain::crm::job::{Job, JobFailure, JobInput, JobStep};
use domain::kernel::failure::Failure;
use domain::kernel::id::JobId;
use domain::kernel::timestamp::Timestamp;
use runtime::clock::Clock;
use runtime::ids::Ids;
use store::{JobToRun, Store};

use crate::Flow;
use crate::crm::job_files::JobFiles;
use crate::crm::{automation_dry_run, bulk_tags, export, handover_run, import, import_preview};

/// Whether a job has to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobProgress {
    /// It has more steps.
    More,
    /// It has ended, or somebody else goes on with it.
    Over,
}

/// What jobs are run with.
#[derive(Debug, Clone, Copy)]
pub struct JobContext<'a, F> {
    /// The table.
    pub store: &'a Store,
    /// Makes ids.
    pub ids: &'a Ids,
    /// Returns the time.
    pub clock: &'a Clock,
    /// The files.
    pub files: &'a F,
    /// How often the message that asks for the steps was delivered.
    pub attempts: u32,
}

/// From which delivery on a file is not opened any more: it has killed its readers before.
const FILE_ATTEMPTS: u32 = 3;

/// Takes the next steps of a job until `stop_at`. A step that was cut off is taken again.
///
/// # Errors
/// Failures that another attempt may not meet; [`Failure::Corrupt`] when the job cannot be read.
pub async fn go_on<F: JobFiles>(
    JobContext { store, ids, clock, files, attempts }: JobContext<'_, F>,
    company: Company,
    id: JobId,
    stop_at: Timestamp,
) -> Result<JobProgress, Failure> {
    let Some(mut to_run) = store.job_to_run(company, id).await? else { return Ok(JobProgress::Over) };
    let was_open = to_run.job.is_open();
    while to_run.job.is_open() {
        let flow = Flow { store, ids, now: clock.now() };
        let (after, done) = if attempts >= FILE_ATTEMPTS && to_run.input.opens_file() {
            (to_run.job.failed(JobFailure::UnreadableFile, flow.now), JobStep::default())
        } else {
            step(&flow, files, company, &to_run).await?
        };
        match store.put_job(company, &after, &to_run.input, &done).await {
            Ok(stored) => to_run.job = stored,
            // Cancelled, or another worker goes on.
            Err(Failure::Busy) => return Ok(JobProgress::Over),
            Err(failure) => return Err(failure),
        }
        if to_run.job.is_open() && clock.now() >= stop_at {
            return Ok(JobProgress::More);
        }
    }
    // Of one that was cancelled the file waits, a day at most: it may be started again.
    if let (JobInput::Import(rows), true) = (&to_run.input, was_open) {
        import::forget_file(&Flow { store, ids, now: clock.now() }, files, company, rows).await;
    }
    Ok(JobProgress::Over)
}

/// The job after its next step, and what that has done. A handover is nobody's but the company's: it goes on
/// whatever becomes of whoever has started it.
async fn step<F: JobFiles>(
    flow: &Flow<'_>,
    files: &F,
    own: Company,
    JobToRun { company, job, input }: &JobToRun,
) -> Result<(Job, JobStep), Failure> {
    let failed = |reason| Ok((job.failed(reason, flow.now), JobStep::default()));
    if job.is_overdue(flow.now) {
        return failed(JobFailure::TooLong);
    }
    let done = match input {
        JobInput::BulkTags(tags) => Box::pin(bulk_tags::step(flow, *company, job, tags)).await,
        JobInput::ImportPreview(file) => Box::pin(import_preview::step(flow, files, *company, file)).await,
        JobInput::Import(rows) => Box::pin(import::step(flow, files, *company, (job, rows))).await,
        JobInput::Export(list) => Box::pin(export::step(flow, files, *company, (job, list))).await,
        JobInput::AutomationDryRun(run) => Box::pin(automation_dry_run::step(flow, *company, job, run)).await,
        JobInput::ImportUndo(undo) => Box::pin(import::undo_step(flow, *company, job, undo)).await,
        JobInput::Handover(task) => Box::pin(handover_run::step(flow, own, task)).await,
        JobInput::HandoverUndo(task) => Box::pin(handover_run::undo_step(flow, own, task)).await,
    };
    match done {
        Ok(JobStep { failure: Some(reason), .. }) => failed(reason),
        Ok(step) => match &step.handover {
            Some(handover) => Ok((job.after_handover(handover, flow.now), step)),
            None => Ok((job.after(step.counts, flow.now), step)),
        },
        Err(Failure::RightsChanged) => failed(JobFailure::RightsChanged),
        Err(Failure::CompanySuspended) => failed(JobFailure::CompanySuspended),
        Err(Failure::Corrupt(cause)) => {
            tracing::error!(cause, "a job meets what cannot be read");
            failed(JobFailure::Unreadable)
        }
        Err(failure) => Err(failure),
    }
}
