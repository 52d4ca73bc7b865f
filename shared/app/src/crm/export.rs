//! Exporting lists of customers into files.

use std::collections::{BTreeMap, BTreeSet};

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::crm::command::CustomerError;
use domain::crm::export::{EXPORT_KEPT_MS, EXPORT_ROWS_MAX, ExportedList, csv, owners};
use domain::crm::job::{Job, JobCounts, JobFailure, JobInput, JobKind, JobStarter, JobState, JobStep};
use domain::crm::list_filter::{CustomerFilter, ListContext};
use domain::crm::viewer::Viewer;
use domain::kernel::budget::BudgetName;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::JobId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use store::{CustomerList, JobConditions};

use crate::Flow;
use crate::crm::job;
use crate::crm::job_files::JobFiles;
use crate::crm::list::{CustomerLister, WantedList};

/// An export.
#[derive(Debug)]
pub struct Export {
    /// Its job.
    pub job: Job,
    /// Until when its file can be fetched; none until it is done, and when it is gone.
    pub until: Option<Timestamp>,
}

/// Starts an export of a list once per request.
///
/// # Errors
/// [`Failure::NotFound`] for a view that the member may not use; those of [`job::start`].
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    wanted: &WantedList,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let list = ExportedList::from(CustomerLister { company, viewer: by.viewer() }.wanted_list(flow, wanted).await?);
    let spends = [BudgetSpend::one(BudgetName::CustomerExports, BudgetSubject::Member(company, by.member))];
    let id: JobId = flow.new_id()?;
    // What was searched for may name somebody, and the audit log is kept for good.
    let audited = ExportedList { filter: CustomerFilter { q: None, ..list.filter.clone() }, ..list.clone() };
    let (actor, action) = (AuditActor::Member(by.member), AuditAction::CustomerExport);
    let audit = flow.audit_change(actor, action, id, None, Some(&audited))?;
    let conditions = JobConditions { spends: &spends, audit: Some(&audit) };
    job::start_as(flow, company, (id, by, JobInput::Export(list)), request, conditions).await
}

/// An export, for the member who started it and for the boss.
///
/// # Errors
/// [`Failure::NotFound`] for other members, and for other jobs.
pub async fn find(
    flow: &Flow<'_>,
    company: Company,
    (viewer, is_boss): (Viewer, bool),
    id: JobId,
) -> Result<Export, Failure> {
    let job = flow.store.job(company, id).await?;
    // Who is no admin any more has none of the lists of admins.
    let is_own = job.by.member == viewer.member && (viewer.admin || !job.by.admin);
    if job.kind != JobKind::Export || !(is_boss || is_own) {
        return Err(Failure::NotFound);
    }
    let until = Some(job.moved_at.plus_millis(EXPORT_KEPT_MS));
    let until = until.filter(|until| job.state == JobState::Done && flow.now < *until);
    Ok(Export { job, until })
}

/// Writes the list as the member may see it now. It is read and written as a whole: a list that is read page
/// by page while it changes loses some and has others twice.
pub(crate) async fn step<F: JobFiles>(
    flow: &Flow<'_>,
    files: &F,
    company: Company,
    (job, list): (&Job, &ExportedList),
) -> Result<JobStep, Failure> {
    flow.store.check_rights(company).await?;
    let CustomerList { rows, model, tags, contacts_hidden, .. } = flow.store.customer_list(company, None).await?;
    let (viewer, today) = (job.by.viewer(), Day::of(flow.now));
    let context = ListContext { viewer, model: &model, tags: &tags, today, contacts_hidden };
    let rows = list.list().page(rows, context, None, EXPORT_ROWS_MAX + 1).rows;
    if rows.len() > EXPORT_ROWS_MAX {
        return Ok(JobStep::failed(JobFailure::TooManyRows));
    }
    let members = flow.store.members(company, &owners(&rows).collect::<BTreeSet<_>>()).await?;
    let names: BTreeMap<_, _> = members.into_iter().map(|member| (member.id, member.name.to_string())).collect();
    files.put_export(company, job.id, csv(&rows, context, &names)).await?;
    let done = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    Ok(JobStep { counts: JobCounts { done, ..JobCounts::default() }, ..JobStep::default() })
}
