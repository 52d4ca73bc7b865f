//! Importing customers from a table, and taking a whole import back.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use domain::company::Company;
use domain::crm::addition::{Addition, CustomerSource};
use domain::crm::command::CustomerError;
use domain::crm::import::{Import, ResumedImport, imported_person};
use domain::crm::import_file::{FileRow, ImportFile, MappedColumn, check_columns};
use domain::crm::import_row::RowError;
use domain::crm::job::{ImportUndo, Job, JobFailure, JobInput, JobStarter, JobState, JobStep};
use domain::crm::profile::ProfileField;
use domain::crm::table_preview::TablePreview;
use domain::crm::tag::TagBook;
use domain::crm::viewer::Viewer;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, JobId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use store::{NewCustomer, Page, RecordRead, RowContext};

use crate::Flow;
use crate::crm::addition::{CustomerAdder, CustomerToAdd, record};
use crate::crm::job_files::JobFiles;
use crate::crm::{import_preview, job, while_contended};

/// Rows of one step: their errors fit into the transaction that ends it.
const STEP: usize = 10;

/// What an import takes its rows from.
#[derive(Debug, Clone)]
pub enum ImportSource {
    /// Rows of a request.
    Rows(Import),
    /// A file.
    File {
        /// The job that has looked at it.
        preview: JobId,
        /// The columns.
        columns: Vec<MappedColumn>,
        /// The card whose customers they become.
        card: Option<CardId>,
    },
}

/// Starts an import once per request and table: the same table again is the import of before. One that has
/// ended before its last row is resumed by another.
///
/// # Errors
/// As for adding a customer to the card, and those of [`job::start`]; of a file `unknown_preview` at
/// `/preview_id` for what the member has not looked at within a day, and wrong columns, at `/columns`.
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    source: ImportSource,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let import = match source {
        ImportSource::Rows(import) => import,
        ImportSource::File { preview, columns, card } => {
            match of_file(flow, company, by, (preview, columns, card)).await {
                Ok(import) => import,
                // What was found in the file is gone when it is imported: a request that comes again says so.
                Err(refused) => {
                    return flow.store.job_of_request(company, request, flow.now).await?.ok_or(refused);
                }
            }
        }
    };
    start_rows(flow, company, by, import, request).await
}

async fn start_rows(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    mut import: Import,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let adder = CustomerAdder { company, viewer: by.viewer() };
    import.card = adder.card_for(import.card)?;
    if let Some(card) = import.card
        && flow.store.existing_cards(company, &[card]).await?.is_empty()
    {
        return Err(Failure::NotFound.into());
    }
    if import.digest.is_empty() {
        let text = serde_json::to_string(&import).map_err(|error| Failure::Corrupt(error.to_string()))?;
        import.digest = sha256(&text);
    }
    let import = &import;
    while_contended(flow, || async move {
        let mut import = import.clone();
        if let Some(before) = flow.store.imported_by(company, &import.digest, flow.now).await? {
            let job = flow.store.job(company, before).await?;
            let is_cut_short = matches!(job.state, JobState::Cancelled | JobState::Failed);
            // Rows that were wrong may be right by now: their tags and options are made.
            let has_failed = import.file.is_some() && job.state == JobState::Done && job.counts.failed > 0;
            if !is_cut_short && !has_failed {
                return Ok(job);
            }
            let first = told(flow, company, before).await?.first(before);
            import.resumes = Some(ResumedImport { last: before, first });
        }
        job::start(flow, company, by, JobInput::Import(import), request).await
    })
    .await
}

/// The import of a file that a job has looked at.
async fn of_file(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    (preview, columns, card): (JobId, Vec<MappedColumn>, Option<CardId>),
) -> Result<Import, CustomerError> {
    let found = match import_preview::find(flow, company, by.viewer(), preview).await {
        Ok((_, Some(found))) => found,
        Ok((_, None)) | Err(Failure::NotFound) => {
            return Err(FieldError::new("unknown_preview", "预览不存在或已过期，请重新上传").at("/preview_id").into());
        }
        Err(failure) => return Err(failure.into()),
    };
    let (fields, _) = flow.store.row_books(company).await?;
    check_columns(&columns, &fields).map_err(|error| error.at("/columns"))?;
    let card = CustomerAdder { company, viewer: by.viewer() }.card_for(card)?;
    let told = serde_json::to_string(&(card, &columns, &found.digest));
    let digest = sha256(&told.map_err(|error| Failure::Corrupt(error.to_string()))?);
    let TablePreview { upload, sheet, rows, .. } = found;
    let file = Some(ImportFile { preview, upload, sheet, columns, rows });
    Ok(Import { card, file, digest, ..Import::default() })
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Starts to take an import back, once per request.
///
/// # Errors
/// [`Failure::NotFound`] for another job than an import, and for one that the member may not see;
/// [`CustomerError::JobOpen`] while it goes on; those of [`job::start`].
pub async fn undo(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    id: JobId,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let job = job::find(flow, company, by.viewer(), id).await?;
    let import = told(flow, company, id).await?;
    if job.is_open() {
        return Err(CustomerError::JobOpen);
    }
    let (first, mut stands) = (import.first(id), false);
    if let Some(last) = flow.store.imported_by(company, &import.digest, flow.now).await? {
        // It, or another one that has resumed it.
        stands = last == id || told(flow, company, last).await?.first(last) == first;
        if stands && last != id && flow.store.job(company, last).await?.is_open() {
            return Err(CustomerError::JobOpen);
        }
    }
    let numbers = import.file.map(|file| file.rows).unwrap_or_default();
    // All rows: one that was cut short may have written some that it has not counted.
    let (rows, digest) = (job.total, Some(import.digest).filter(|_| stands));
    let input = JobInput::ImportUndo(ImportUndo { import: first, rows, numbers, digest });
    job::start(flow, company, by, input, request).await
}

/// What an import was told.
///
/// # Errors
/// [`Failure::NotFound`] for another job.
async fn told(flow: &Flow<'_>, company: Company, id: JobId) -> Result<Import, Failure> {
    let input = flow.store.input_of_job(company, id).await?;
    if let JobInput::Import(import) = input { Ok(import) } else { Err(Failure::NotFound) }
}

/// What was wrong with the rows of a job, in their order.
///
/// # Errors
/// [`Failure::NotFound`] for members who may not see the job.
pub async fn errors(
    flow: &Flow<'_>,
    company: Company,
    viewer: Viewer,
    id: JobId,
    (after, limit): (Option<u64>, u32),
) -> Result<Page<RowError, u64>, Failure> {
    job::find(flow, company, viewer, id).await?;
    flow.store.row_errors(company, id, after, limit).await
}

/// The next rows of an import. A row that was imported counts as done, so that a step that is taken again
/// has the same counts.
pub(crate) async fn step<F: JobFiles>(
    flow: &Flow<'_>,
    files: &F,
    company: Company,
    (job, import): (&Job, &Import),
) -> Result<JobStep, Failure> {
    let (rows, tags) = match next_rows(flow, files, company, (job, import)).await? {
        Ok(read) => read,
        Err(reason) => return Ok(JobStep::failed(reason)),
    };
    let mut step = JobStep::default();
    // The rows of a table have their ids by their order: in another file they may stand elsewhere.
    for (place, (number, row)) in (job.counts.looked_at() + 1..).zip(rows) {
        let wrong = match row {
            Ok(FileRow { texts, custom, tags: given }) => {
                let new = CustomerToAdd { texts, custom, tags: given, card: import.card, ..CustomerToAdd::default() };
                let person = imported_person(import.first(job.id), place);
                let done = while_contended(flow, || import_row(flow, company, (job, &tags), (person, &new))).await;
                done.err().map(|error| row_error(number, error)).transpose()?.into_iter().collect()
            }
            Err(wrong) => wrong,
        };
        if wrong.is_empty() {
            step.counts.done += 1;
        } else if wrong.iter().all(|error| error.code == DUPLICATE) {
            step.counts.skipped += 1;
        } else {
            step.counts.failed += 1;
        }
        let column = |error: &RowError| import.file.as_ref()?.column_of(error.field?);
        step.errors.extend(wrong.into_iter().map(|error| match column(&error) {
            Some(column) => error.in_column(column),
            None => error,
        }));
    }
    Ok(step)
}

/// Rows by their numbers, each with what it says or what is wrong with it, and the tags that they name.
type ReadRows = (Vec<(u32, Result<FileRow, Vec<RowError>>)>, TagBook);

/// The rows of the next step; or why the file cannot be read any more.
async fn next_rows<F: JobFiles>(
    flow: &Flow<'_>,
    files: &F,
    company: Company,
    (job, import): (&Job, &Import),
) -> Result<Result<ReadRows, JobFailure>, Failure> {
    let looked_at = usize::try_from(job.counts.looked_at()).unwrap_or(usize::MAX);
    let Some(file) = &import.file else {
        let rows = import.rows.iter().zip(1..).skip(looked_at).take(STEP);
        return Ok(Ok((rows.map(|(row, number)| (number, row.read(number))).collect(), TagBook::default())));
    };
    let (fields, tags) = flow.store.row_books(company).await?;
    let table = match files.table(company, file.upload, Some(file.sheet)).await? {
        Ok(table) => table,
        Err(reason) => return Ok(Err(reason)),
    };
    let rows: Vec<_> = file.rows_from(&table, looked_at).take(STEP).collect();
    if rows.is_empty() {
        // Another file than the one that was looked at.
        return Ok(Err(JobFailure::FileGone));
    }
    let rows = rows.into_iter().map(|row| (row.number, file.read(row, &fields, &tags))).collect();
    Ok(Ok((rows, tags)))
}

/// Deletes the file of an import that has ended, and what was found in it. What is not deleted now is after a
/// day.
pub(crate) async fn forget_file<F: JobFiles>(flow: &Flow<'_>, files: &F, company: Company, import: &Import) {
    let Some(file) = &import.file else { return };
    let (table, preview) = (files.delete_table(company, file.upload), flow.store.forget_preview(company, file.preview));
    for failure in [table.await, preview.await].into_iter().filter_map(Result::err) {
        tracing::warn!(cause = %failure, "the file of an import is not deleted yet");
    }
}

/// The code of a row whose customer is known already.
const DUPLICATE: &str = "duplicate";

async fn import_row(
    flow: &Flow<'_>,
    company: Company,
    (job, tags): (&Job, &TagBook),
    (person, new): (PersonId, &CustomerToAdd),
) -> Result<(), CustomerError> {
    let mobile = new.texts.get(&ProfileField::Mobile).and_then(|text| Mobile::parse(text).ok());
    let RowContext { departments, holder, known } =
        flow.store.row_context(company, (new.card, mobile.as_ref()), person).await?;
    if !known.identities.is_empty() {
        return Ok(());
    }
    if holder.is_some() {
        return Err(FieldError::new(DUPLICATE, "该手机号已属于企业的客户").into());
    }
    let departments = match new.card {
        Some(_) => departments.ok_or_else(|| FieldError::new("unknown_card", "名片不存在"))?,
        None => Default::default(),
    };
    let (at, by, source, card) = (flow.now, job.by.member, CustomerSource::Import, new.card);
    let addition = Addition { at, by, source, card, departments, mobile };
    let record = record(new, &addition, tags)?;
    Ok(flow.store.add_imported((company, &known), &NewCustomer { person, record }, &addition).await?)
}

/// What is said of a row that was not imported.
///
/// # Errors
/// Failures that are not the row's.
fn row_error(row: u32, error: CustomerError) -> Result<RowError, Failure> {
    match error {
        CustomerError::Failed(failure) => Err(failure),
        CustomerError::Field(error) => {
            let field = (error.code == DUPLICATE).then_some(ProfileField::Mobile);
            Ok(RowError::of(row, field, &error))
        }
        CustomerError::LimitReached(detail) => Ok(RowError::of(row, None, &FieldError::new("limit_reached", detail))),
        CustomerError::RadarNotActive
        | CustomerError::Erased
        | CustomerError::TooManyDeals
        | CustomerError::Duplicate(_)
        | CustomerError::JobOpen
        | CustomerError::NotRevocable
        | CustomerError::AlreadyOwned
        | CustomerError::MemberInactive => Ok(RowError::of(row, None, &FieldError::new("refused", "该行无法导入"))),
    }
}

/// The next rows of an import that is taken back. Customers who have changed since are kept.
pub(crate) async fn undo_step(
    flow: &Flow<'_>,
    company: Company,
    job: &Job,
    undo: &ImportUndo,
) -> Result<JobStep, Failure> {
    let mut step = JobStep::default();
    let numbers = undo.numbers();
    let looked_at = usize::try_from(job.counts.looked_at()).unwrap_or(usize::MAX);
    let rows = usize::try_from(undo.rows).unwrap_or(usize::MAX);
    for (place, row) in (1..).zip(numbers.iter()).take(rows).skip(looked_at).take(STEP) {
        let person = imported_person(undo.import, place);
        let known = flow.store.known_customer(company, person, RecordRead::ToChange).await?;
        let kept = match known.revocable_addition(person) {
            None => !known.identities.is_empty(),
            Some(addition) => match flow.store.revoke_addition(company, (person, addition), &known, flow.now).await {
                Ok(()) => false,
                Err(Failure::VersionConflict) => true,
                Err(failure) => return Err(failure),
            },
        };
        if kept {
            let error = FieldError::new("customer_changed", "该客户导入后已有变动，未撤销");
            step.errors.push(RowError::of(row, None, &error));
            step.counts.skipped += 1;
        } else {
            step.counts.done += 1;
        }
    }
    Ok(step)
}
