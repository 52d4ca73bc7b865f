//! Dry runs of rules of automation, as jobs: a step reads a part of a day of the log.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::crm::automation::AutomationRule;
use domain::crm::automation_dry_run::{DRY_RUN_DAYS, DryRun, DryRunState};
use domain::crm::automation_run::AutomationContext;
use domain::crm::command::CustomerError;
use domain::crm::customer::SentBy;
use domain::crm::job::{Job, JobCounts, JobInput, JobKind, JobStarter, JobStep};
use domain::crm::tag::TagBook;
use domain::crm::viewer::Viewer;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{AutomationRuleId, JobId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use store::{PutAside, RecordRead};

use crate::Flow;
use crate::crm::job;

/// Pages that are read together, and most of one step.
const PAGES: u32 = 50;
const STEP_PAGES: usize = 500;
/// From how many customers who were read a step ends: they are most of its time.
const STEP_CUSTOMERS: usize = 200;
/// Most customers whom a rule about time looks at.
const LOOKED_AT_MAX: usize = 10_000;

/// Starts the dry run of a rule, once per request.
///
/// # Errors
/// [`Failure::NotFound`] without such a rule, and those of [`job::start`].
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    rule: AutomationRuleId,
    request: &Idempotency,
) -> Result<Job, CustomerError> {
    let rules = flow.store.automation(company).await?.rules;
    let rule = rules.into_iter().find(|it| it.id == rule).ok_or(Failure::NotFound)?;
    let days = i32::try_from(DRY_RUN_DAYS).unwrap_or(i32::MAX);
    let first = Day::of(flow.now).plus(1 - days);
    job::start(flow, company, by, JobInput::AutomationDryRun(Box::new(DryRun { rule, first })), request).await
}

/// The dry run of a job that a member may see, and what it has found.
///
/// # Errors
/// [`Failure::NotFound`] for others, and for another job.
pub async fn find(flow: &Flow<'_>, company: Company, viewer: Viewer, id: JobId) -> Result<(Job, DryRunState), Failure> {
    let job = job::find(flow, company, viewer, id).await?;
    if job.kind != JobKind::AutomationDryRun {
        return Err(Failure::NotFound);
    }
    let state = flow.store.dry_run(company, id).await?;
    Ok((job, state))
}

/// The next part of the log. A step that is taken again after it was stored does nothing.
pub(crate) async fn step(flow: &Flow<'_>, company: Company, job: &Job, dry_run: &DryRun) -> Result<JobStep, Failure> {
    let (mut state, looked_at) = (flow.store.dry_run(company, job.id).await?, job.counts.looked_at());
    if state.step < job.version {
        state.step = job.version;
        match &dry_run.rule.condition.event {
            Some(_) => read_log(flow, company, dry_run, &mut state).await?,
            None => look_at_all(flow, company, dry_run, &mut state).await?,
        }
        if state.days >= DRY_RUN_DAYS {
            state.end();
        }
        flow.store.put_dry_run(company, job, &state).await?;
    }
    let done = state.days.saturating_sub(looked_at);
    Ok(JobStep { counts: JobCounts { done, ..JobCounts::default() }, ..JobStep::default() })
}

/// Reads on in the log, to the end of a day or as far as one step goes.
async fn read_log(
    flow: &Flow<'_>,
    company: Company,
    DryRun { rule, first }: &DryRun,
    state: &mut DryRunState,
) -> Result<(), Failure> {
    let Some(condition) = rule.condition.event else { return Ok(()) };
    let tags: TagBook = flow.store.book(company, RecordRead::ToShow).await?;
    let day = first.plus(i32::try_from(state.days).unwrap_or(i32::MAX));
    let (until, mut aside) = (day.plus(1).start().plus_millis(-1), PutAside::default());
    let mut page = state.page.unwrap_or_else(|| store::feed_page_at(first.start()));
    let mut read = 0;
    for _ in 0..STEP_PAGES / PAGES as usize {
        let pages = flow.store.feed_pages(company, Some(page), until, PAGES, &mut aside).await?;
        if pages.is_empty() {
            state.days += 1;
            break;
        }
        for (at, segments) in &pages {
            if read >= STEP_CUSTOMERS {
                state.page = Some(page);
                return Ok(());
            }
            page = *at;
            for segment in segments.iter().filter(|segment| segment.by() == SentBy::LoggedIn) {
                for event in segment.events.iter().filter(|event| condition.is_met_by(event)) {
                    if state.take(rule, &condition, segment.key.person, event.at) {
                        read += judge(flow, (company, &tags), rule, state, (segment.key.person, event.at)).await?;
                    }
                }
            }
        }
    }
    state.page = Some(page);
    Ok(())
}

/// Whom a rule about time would hit in the next night.
async fn look_at_all(
    flow: &Flow<'_>,
    company: Company,
    DryRun { rule, .. }: &DryRun,
    state: &mut DryRunState,
) -> Result<(), Failure> {
    let list = flow.store.customer_list(company, None).await?;
    let mut persons: Vec<_> = list.rows.iter().map(|row| row.person).collect();
    persons.sort_unstable();
    state.incomplete = persons.len() > LOOKED_AT_MAX;
    persons.truncate(LOOKED_AT_MAX);
    persons.retain(|person| state.looked_to.is_none_or(|to| *person > to));
    for person in persons.iter().take(STEP_CUSTOMERS) {
        if fits(flow, (company, &list.tags), rule, *person).await? {
            state.judge(*person, flow.now, true);
        }
        state.looked_to = Some(*person);
    }
    if persons.len() <= STEP_CUSTOMERS {
        state.days = DRY_RUN_DAYS;
    }
    Ok(())
}

/// Notes whether all else is true of a person. Returns how many customers were read for it.
async fn judge(
    flow: &Flow<'_>,
    (company, tags): (Company, &TagBook),
    rule: &AutomationRule,
    state: &mut DryRunState,
    (person, at): (PersonId, Timestamp),
) -> Result<usize, Failure> {
    let (fits, read) = match state.fits(person) {
        Some(fits) => (fits, 0),
        None => (fits(flow, (company, tags), rule, person).await?, 1),
    };
    state.judge(person, at, fits);
    Ok(read)
}

/// Whether all but the event is true of a customer by now. Of whom nothing can be read it is not.
async fn fits(
    flow: &Flow<'_>,
    (company, tags): (Company, &TagBook),
    rule: &AutomationRule,
    person: PersonId,
) -> Result<bool, Failure> {
    let known = match flow.store.known_customer(company, person, RecordRead::ToChange).await {
        Err(Failure::Corrupt(cause)) => {
            tracing::warn!(cause, "a dry run passes a customer who cannot be read");
            return Ok(false);
        }
        known => known?,
    };
    let decided = BTreeSet::new();
    let context = AutomationContext { tags, model: &known.listed.model, now: flow.now, decided: &decided };
    Ok(known.erased_at().is_none() && known.is_hit_by(rule, context))
}
