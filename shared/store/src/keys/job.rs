//! Keys of jobs.

use domain::company::Company;
use domain::kernel::id::JobId;

use super::key::Key;

/// The partition of a company's jobs.
pub(crate) fn jobs(company: Company) -> String {
    format!("{}#JOBS", company.id())
}

/// A job.
pub(crate) fn job(company: Company, job: JobId) -> Key {
    Key::new(jobs(company), job.to_string())
}

/// What a job is told to do.
pub(crate) fn job_input(company: Company, job: JobId) -> Key {
    Key::new(format!("{}#JOB#{job}", company.id()), "INPUT")
}

/// What a file has that a job has looked at.
pub(crate) fn table_preview(company: Company, job: JobId) -> Key {
    Key::new(format!("{}#JOB#{job}", company.id()), "PREVIEW")
}

/// Which jobs of a company are open.
pub(crate) fn job_slots(company: Company) -> Key {
    Key::new(company.id().to_string(), "JOB_SLOTS")
}

/// What a dry run has found.
pub(crate) fn dry_run(company: Company, job: JobId) -> Key {
    Key::new(format!("{}#JOB#{job}", company.id()), "DRY_RUN")
}

/// What was wrong with the rows of a job.
pub(crate) fn row_errors(company: Company, job: JobId) -> String {
    format!("{}#ROW_ERRORS#{job}", company.id())
}

/// What was wrong with a row, by its place among all.
pub(crate) fn row_error(company: Company, job: JobId, place: u64) -> Key {
    Key::new(row_errors(company, job), format!("{place:012}"))
}

/// The import of a table, by the digest of its rows.
pub(crate) fn import_mark(company: Company, digest: &str) -> Key {
    Key::new(format!("{}#IMPORT#{digest}", company.id()), "IMPORT")
}
