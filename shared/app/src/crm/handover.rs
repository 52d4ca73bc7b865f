//! Handing over what a member leaves behind: previewed, started and undone by the boss.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::crm::handover::{Handover, HandoverCounts, HandoverError, HandoverRule, HandoverState, HandoverThing};
use domain::crm::handover_plan::{HandoverWarning, counts, plan};
use domain::crm::job::{HandoverTask, Job, JobInput, JobStarter};
use domain::kernel::failure::{Failure, Resource, Thing};
use domain::kernel::field::FieldError;
use domain::kernel::id::{HandoverId, Id, JobId, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::people::member::{Member, MemberError, MemberStatus};
use store::HandoverContext;

use crate::Flow;
use crate::people::member::{Head, set_status};

/// What would move to whom.
#[derive(Debug)]
pub struct HandoverPreview {
    /// How many things of each kind.
    pub planned: HandoverCounts,
    /// What the boss should know before, and of which successor.
    pub warnings: Vec<(HandoverWarning, Option<MemberId>)>,
}

/// The boss who hands over a member's work.
#[derive(Debug, Clone, Copy)]
pub struct HandoverStarter {
    /// As they change members.
    pub head: Head,
    /// As they start jobs.
    pub job: JobStarter,
}

/// Counts what would move to whom, as the list of customers is now. Nothing changes. Three calls, and more
/// with many customers.
///
/// # Errors
/// [`HandoverError::Field`] for a rule that cannot be, [`Failure::NotFound`] without such a member.
pub async fn preview(
    flow: &Flow<'_>,
    company: Company,
    by: HandoverStarter,
    (leaver, rule): (MemberId, HandoverRule),
) -> Result<HandoverPreview, HandoverError> {
    let context = context(flow, company, leaver, &rule).await?;
    let list = flow.store.customer_list(company, None).await?;
    let draft = draft(flow, by, (&context.leaver, rule), flow.new_id()?);
    let planned = counts(&plan(&draft, &list.rows, &list.tags));
    let warnings = warnings(&context, &planned);
    Ok(HandoverPreview { planned, warnings })
}

fn warnings(context: &HandoverContext, planned: &HandoverCounts) -> Vec<(HandoverWarning, Option<MemberId>)> {
    let is_active = context.leaver.status() == MemberStatus::Active;
    let mut warnings: Vec<_> = is_active.then_some((HandoverWarning::LeaverActive, None)).into_iter().collect();
    let of = |thing| planned.get(&thing).into_iter().flatten();
    for (to, more) in of(HandoverThing::Customers) {
        if context.held.get(to).copied().unwrap_or_default() + more > context.rules.held_max {
            warnings.push((HandoverWarning::OverHeldMax, Some(*to)));
        }
    }
    for (to, _) in of(HandoverThing::Card) {
        if context.successors.get(to).is_some_and(|member| member.card.is_none()) {
            warnings.push((HandoverWarning::NoCard, Some(*to)));
        }
    }
    warnings
}

/// Starts to hand over a member's work, once per request. A member who is active still is disabled first.
/// Returns the handover that the first such request started.
///
/// # Errors
/// [`HandoverError::Open`] while another one of the member goes on, [`HandoverError::TooManyJobs`],
/// [`Failure::RoleRequired`] for the boss's own work, and those of [`preview`].
pub async fn start(
    flow: &Flow<'_>,
    company: Company,
    by: HandoverStarter,
    (leaver, rule): (MemberId, HandoverRule),
    request: &Idempotency,
) -> Result<Handover, HandoverError> {
    if let Some(first) = flow.store.job_of_request(company, request, flow.now).await? {
        return Ok(flow.store.handover(company, id_of(first.id)).await?);
    }
    let context = context(flow, company, leaver, &rule).await?;
    if context.is_open {
        return Err(HandoverError::Open);
    }
    if context.leaver.ended.is_none() {
        let disabled = set_status(flow, company, by.head, leaver, MemberStatus::Disabled).await;
        disabled.map_err(refusal)?;
    }
    let job: JobId = flow.new_id()?;
    let handover = draft(flow, by, (&context.leaver, rule), job);
    let input = JobInput::Handover(HandoverTask { handover: handover.id, leaver });
    let (actor, action) = (AuditActor::Member(by.job.member), AuditAction::HandoverStarted);
    let audit = flow.audit_change(actor, action, leaver, None, Some(&handover.rule))?;
    let new = Job::new(job, by.job, &input, flow.now);
    let started = flow.store.start_handover(company, &handover, new, &audit, request).await.map_err(open)?;
    // The first request of two at the same moment has started it.
    if started.id == job { Ok(handover) } else { Ok(flow.store.handover(company, id_of(started.id)).await?) }
}

/// Starts to undo a handover, once per request. Returns it as it stands then.
///
/// # Errors
/// [`Failure::NotFound`]; [`HandoverError::NotUndoable`] while it goes on, once it is undone, and 30 days after
/// it was started; [`HandoverError::Open`] while another one of the member goes on;
/// [`HandoverError::TooManyJobs`].
pub async fn undo(
    flow: &Flow<'_>,
    company: Company,
    by: JobStarter,
    id: HandoverId,
    request: &Idempotency,
) -> Result<Handover, HandoverError> {
    let before = flow.store.job_of_request(company, request, flow.now).await?;
    let read = flow.store.handover(company, id).await?;
    if before.is_some() {
        return Ok(read);
    }
    let job: JobId = flow.new_id()?;
    let undoing = read.undoing(by.member, job, flow.now)?;
    let input = JobInput::HandoverUndo(HandoverTask { handover: id, leaver: read.leaver });
    let (actor, action) = (AuditActor::Member(by.member), AuditAction::HandoverUndone);
    let audit = flow.audit_entry(actor, action, read.leaver, id.to_string(), "")?;
    let new = Job::new(job, by, &input, flow.now);
    let started = flow.store.undo_handover(company, &undoing, new, &audit, request).await.map_err(open)?;
    if started.id == job { Ok(undoing) } else { Ok(flow.store.handover(company, id).await?) }
}

/// What a handover depends on, of a rule that can be.
async fn context(
    flow: &Flow<'_>,
    company: Company,
    leaver: MemberId,
    rule: &HandoverRule,
) -> Result<HandoverContext, HandoverError> {
    rule.check(leaver)?;
    let successors = rule.successors();
    let context = flow.store.handover_context(company, leaver, successors.iter().copied()).await?;
    for successor in &successors {
        check_successor(context.successors.get(successor))?;
    }
    Ok(context)
}

fn check_successor(found: Option<&Member>) -> Result<(), FieldError> {
    let refused = |code, detail| FieldError::new(code, detail).at("/successor_ids");
    let member = found.ok_or_else(|| refused("unknown_member", "成员不存在"))?;
    let is_active = member.status() == MemberStatus::Active;
    if is_active { Ok(()) } else { Err(refused("not_allowed", "接任者应为在职成员")) }
}

/// A handover before its first step. It has the id of its job.
fn draft(flow: &Flow<'_>, by: HandoverStarter, (leaver, rule): (&Member, HandoverRule), job: JobId) -> Handover {
    Handover {
        id: id_of(job),
        version: 0,
        leaver: leaver.id,
        card: leaver.card,
        department: leaver.department,
        rule,
        by: by.job.member,
        job,
        started_at: flow.now,
        moved_at: flow.now,
        state: HandoverState::Running,
        planned: BTreeMap::new(),
        place: None,
        stayed: 0,
        undo: None,
    }
}

fn id_of(job: JobId) -> HandoverId {
    HandoverId::from_uuid(job.uuid())
}

fn open(failure: Failure) -> HandoverError {
    if failure == Failure::Exists(Thing::Handover) {
        HandoverError::Open
    } else if failure == Failure::Exhausted(Resource::Jobs) {
        HandoverError::TooManyJobs
    } else {
        failure.into()
    }
}

/// Why a member is not disabled.
fn refusal(error: MemberError) -> HandoverError {
    match error {
        MemberError::RoleRequired => Failure::RoleRequired.into(),
        MemberError::Field(error) => FieldError { pointer: "/leaver_id", ..error }.into(),
        MemberError::Failed(failure) => failure.into(),
        MemberError::Inactive
        | MemberError::Active
        | MemberError::UnknownDepartment
        | MemberError::AlreadyMember
        | MemberError::NoCard => Failure::VersionConflict.into(),
    }
}
