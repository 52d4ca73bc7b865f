//! Importing customers from a table, and taking a whole import back.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use domain::company::Company;
use domain::crm::addition::{Addition, CustomerSource};
use domain::crm::command::CustomerError;
use domain::crm::import::{Import, RowError, imported_person};
use domain::crm::job::{ImportUndo, Job, JobInput, JobStarter, JobStep};
use domain::crm::profile::ProfileField;
use domain::crm::viewer::Viewer;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{JobId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use store::{NewCustomer, Page, RecordRead, RowContext};

use crate::Flow;
use crate::crm::addition::{CustomerAdder, CustomerToAdd, record};
use crate::crm::{job, while_contended};

/// Rows of one step: their errors fit into the transaction that ends it.
const STEP: usize = 10;

/// Starts an import once per request and table: the same table again is the import of before.
///
/// # Errors
/// As for adding a customer to the card, and those of [`job::start`].
pub async fn start(
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
    let text = serde_json::to_string(&import).map_err(|error| Failure::Corrupt(error.to_string()))?;
    import.digest = HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref());
    let import = &import;
    while_contended(flow, || async move {
        if let Some(before) = flow.store.imported_by(company, &import.digest, flow.now).await? {
            return Ok(flow.store.job(company, before).await?);
        }
        job::start(flow, company, by, JobInput::Import(import.clone()), request).await
    })
    .await
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
    let import = job::find(flow, company, by.viewer(), id).await?;
    let JobInput::Import(Import { digest, .. }) = flow.store.input_of_job(company, id).await? else {
        return Err(Failure::NotFound.into());
    };
    if import.is_open() {
        return Err(CustomerError::JobOpen);
    }
    let stands = flow.store.imported_by(company, &digest, flow.now).await? == Some(id);
    let digest = Some(digest).filter(|_| stands);
    let input = JobInput::ImportUndo(ImportUndo { import: id, rows: import.counts.looked_at(), digest });
    job::start(flow, company, by, input, request).await
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
pub(crate) async fn step(flow: &Flow<'_>, company: Company, job: &Job, import: &Import) -> Result<JobStep, Failure> {
    let mut step = JobStep::default();
    let looked_at = usize::try_from(job.counts.looked_at()).unwrap_or(usize::MAX);
    for (row, number) in import.rows.iter().zip(1..).skip(looked_at).take(STEP) {
        let wrong = match row.check() {
            Ok(texts) => {
                let new = CustomerToAdd { texts, card: import.card, ..CustomerToAdd::default() };
                let person = imported_person(job.id, number);
                let done = while_contended(flow, || import_row(flow, company, job, (person, &new))).await;
                done.err().map(|error| row_error(number, error)).transpose()?.into_iter().collect()
            }
            Err(wrong) => {
                wrong.iter().map(|(field, error)| RowError::of(number, Some(*field), error)).collect::<Vec<_>>()
            }
        };
        if wrong.is_empty() {
            step.counts.done += 1;
        } else if wrong.iter().all(|error| error.code == DUPLICATE) {
            step.counts.skipped += 1;
        } else {
            step.counts.failed += 1;
        }
        step.errors.extend(wrong);
    }
    Ok(step)
}

/// The code of a row whose customer is known already.
const DUPLICATE: &str = "duplicate";

async fn import_row(
    flow: &Flow<'_>,
    company: Company,
    job: &Job,
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
    let record = record(new, &addition, &Default::default())?;
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
    let first = job.counts.looked_at() + 1;
    for row in (first..=undo.rows).take(STEP) {
        let person = imported_person(undo.import, row);
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
