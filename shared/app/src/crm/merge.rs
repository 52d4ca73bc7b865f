//! Merging identities that are one person, and undoing it.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor, AuditEntry};
use domain::crm::identities::Customer;
use domain::crm::identity_group::MergeEdge;
use domain::crm::merge::{Merge, MergeError, MergeReason, Undone};
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, MergeId, PersonId};
use runtime::retry::Policy;
use store::PendingDeltas;

use crate::Flow;

/// Most chunks of pending changes that are counted before the answer; housekeeping counts
/// the others.
const CHUNKS_AT_ONCE: usize = 5;

/// The outcome of merging two identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeOutcome {
    /// They are one person, now or since an earlier time.
    Done,
    /// They are not, and trying again does not help.
    Refused,
    /// Another writer was in the way: try again.
    Later,
}

/// Makes `a` and `b` one person, in one attempt: the caller tries again.
///
/// # Errors
/// [`Failure::Busy`] when another writer was in the way.
pub async fn merge(
    flow: &Flow<'_>,
    company: Company,
    (a, b): (PersonId, PersonId),
    reason: MergeReason,
) -> Result<MergeOutcome, Failure> {
    let merge = Merge { edge: MergeEdge { merge: flow.new_id()?, a, b }, reason, at: flow.now, undone: None };
    try_merge(flow, company, &merge).await
}

/// Makes the person who has logged in one person with the identity they used before. The
/// login stands, whatever the outcome is.
pub async fn merge_anonymous(
    flow: &Flow<'_>,
    company: Company,
    person: PersonId,
    anonymous: Option<PersonId>,
) -> MergeOutcome {
    let Some(anonymous) = anonymous else { return MergeOutcome::Refused };
    let attempt = || merge(flow, company, (person, anonymous), MergeReason::Login);
    flow.store.retry().run(Policy::LOGIN_MERGE, attempt).await.unwrap_or_else(|failure| {
        tracing::warn!(cause = %failure, "a login was not merged");
        MergeOutcome::Later
    })
}

/// Makes the two identities of a merge two people again, and returns the merge as it stands
/// then. Idempotent.
///
/// # Errors
/// [`Failure::NotFound`] without such a merge, [`Failure::Busy`] when other writers were in
/// the way until the deadline.
pub async fn undo(flow: &Flow<'_>, company: Company, by: MemberId, id: MergeId) -> Result<Merge, Failure> {
    let audit = flow.audit_entry(AuditActor::Member(by), AuditAction::MergeUndone, id, "active", "undone")?;
    let attempt = || try_undo(flow, company, by, id, &audit);
    flow.store.retry().run(Policy::CONTENTION, attempt).await
}

async fn try_undo(
    flow: &Flow<'_>,
    company: Company,
    by: MemberId,
    id: MergeId,
    audit: &AuditEntry,
) -> Result<Merge, Failure> {
    let read = flow.store.merge(company, id).await?;
    let Some(plan) = read.undo(&identities(flow, company, read.edge).await?) else { return Ok(read) };
    let after = Merge { undone: Some(Undone { at: audit.at, by }), ..read };
    count(flow, flow.store.apply_merge(company, &after, &plan, Some(audit)).await?).await;
    Ok(after)
}

async fn try_merge(flow: &Flow<'_>, company: Company, merge: &Merge) -> Result<MergeOutcome, Failure> {
    let plan = match merge.plan(&identities(flow, company, merge.edge).await?) {
        Ok(plan) => plan,
        Err(MergeError::Already) => return Ok(MergeOutcome::Done),
        Err(MergeError::Taken | MergeError::Apart | MergeError::TooLarge) => return Ok(MergeOutcome::Refused),
    };
    count(flow, flow.store.apply_merge(company, merge, &plan, None).await?).await;
    Ok(MergeOutcome::Done)
}

/// Both identities and all of their groups.
async fn identities(
    flow: &Flow<'_>,
    company: Company,
    edge: MergeEdge,
) -> Result<BTreeMap<PersonId, Customer>, Failure> {
    let known = flow.store.customers(company, &[edge.a, edge.b]).await?;
    known.into_iter().map(|(person, customer)| Ok((person, customer?))).collect()
}

/// Counts the changes a merge has left pending. What cannot be counted now waits for
/// housekeeping.
pub(crate) async fn count(flow: &Flow<'_>, left: Vec<PendingDeltas>) {
    for pending in left.iter().take(CHUNKS_AT_ONCE) {
        if flow.store.count_pending(pending).await.is_err() {
            break;
        }
    }
}
