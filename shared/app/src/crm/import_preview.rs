//! Looking at a file before its customers are imported.

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use domain::company::Company;
use domain::crm::command::CustomerError;
use domain::crm::job::{Job, JobCounts, JobInput, JobKind, JobStarter, JobStep};
use domain::crm::table::TableRow;
use domain::crm::table_preview::{TablePreview, TableToPreview};
use domain::crm::viewer::Viewer;
use domain::kernel::failure::Failure;
use domain::kernel::id::JobId;
use domain::kernel::idempotency::Idempotency;
use domain::media::upload::{Purpose, unknown_upload};

use crate::Flow;
use crate::crm::job;
use crate::crm::job_files::JobFiles;

/// Starts to look at a file, once per request.
///
/// # Errors
/// `unknown_upload` at `/upload_id` for another purpose, for a file of somebody else, and after a day; those of
/// [`job::start`].
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    file: TableToPreview,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let upload = match flow.store.upload(company, file.upload).await {
        Err(Failure::NotFound) => None,
        found => Some(found?),
    };
    let is_own = upload.is_some_and(|upload| {
        let is_table = upload.purpose == Purpose::CustomerTable && upload.member == by.member;
        is_table && flow.now < upload.usable_until()
    });
    if !is_own {
        return Err(unknown_upload().at("/upload_id").into());
    }
    job::start(flow, company, by, JobInput::ImportPreview(file), request).await
}

/// A job that looks at a file, and what it has found: nothing until it is done, and after a day.
///
/// # Errors
/// [`Failure::NotFound`] for members who may not see the job, and for other jobs.
pub async fn find(
    flow: &Flow<'_>,
    company: Company,
    viewer: Viewer,
    id: JobId,
) -> Result<(Job, Option<TablePreview>), Failure> {
    let job = job::find(flow, company, viewer, id).await?;
    if job.kind != JobKind::ImportPreview {
        return Err(Failure::NotFound);
    }
    let preview = if job.is_open() { None } else { flow.store.table_preview(company, id, flow.now).await? };
    Ok((job, preview))
}

/// Looks at the file.
pub(crate) async fn step<F: JobFiles>(
    flow: &Flow<'_>,
    files: &F,
    company: Company,
    file: &TableToPreview,
) -> Result<JobStep, Failure> {
    let (fields, _) = flow.store.row_books(company).await?;
    let table = match files.table(company, file.upload, file.sheet).await? {
        Ok(table) => table,
        Err(reason) => return Ok(JobStep::failed(reason)),
    };
    Ok(match file.preview(&table, &fields, digest) {
        Ok(preview) => {
            let counts = JobCounts { done: 1, ..JobCounts::default() };
            JobStep { counts, preview: Some(preview), ..JobStep::default() }
        }
        Err(error) => JobStep::failed(error.into()),
    })
}

/// The digest of rows by their cells, wherever they stand in the file.
fn digest(rows: &[TableRow]) -> String {
    let mut digest = Context::new(&SHA256);
    for row in rows {
        for cell in &row.cells {
            digest.update(cell.as_bytes());
            // No cell has these characters: nothing else is the same sequence.
            digest.update(b"\0");
        }
        digest.update(b"\0\n");
    }
    HEXLOWER.encode(digest.finish().as_ref())
}
