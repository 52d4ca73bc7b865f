//! Making and revoking invitations.

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::id::InvitationId;
use domain::kernel::idempotency::Idempotency;
use domain::people::invitation::{Invitation, InvitationState};
use domain::people::member::MemberError;
use runtime::retry::Policy;

use crate::Flow;
use crate::people::claim_code::ClaimCodes;
use crate::people::member::Head;
use crate::people::seat::take_seat;

/// Makes an invitation once per request, and returns the one that the first such request
/// made. Seats that expired holds have kept are freed when too few are left.
///
/// # Errors
/// [`MemberError::RoleRequired`] for a role that the inviting member may not give.
pub async fn create(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    codes: &ClaimCodes,
    new: Invitation,
    request: &Idempotency,
) -> Result<Invitation, MemberError> {
    if !by.role.may_add(new.role) {
        return Err(MemberError::RoleRequired);
    }
    let to = format!("{} × {}", new.role.name(), new.uses);
    let audit = flow.audit_entry(AuditActor::Member(by.member), AuditAction::InvitationCreated, new.id, "", to)?;
    let hash = codes.invitation_hash(&codes.invitation_code(new.id));
    let spends = [BudgetSpend::one(BudgetName::Invitations, BudgetSubject::Member(company, by.member))];
    let attempt = || flow.store.create_invitation(company, new.clone(), &hash, &audit, request, &spends);
    Ok(take_seat(flow, company, attempt).await?)
}

/// Revokes an invitation, frees the seats that are still held for it, and returns it as it
/// stands then. One that is not open stays as it is.
///
/// # Errors
/// [`MemberError::RoleRequired`] for an invitation to a role that the member may not give.
pub async fn revoke(flow: &Flow<'_>, company: Company, by: Head, id: InvitationId) -> Result<Invitation, MemberError> {
    let attempt = || async {
        match try_to_revoke(flow, company, by, id).await {
            Err(MemberError::Failed(failure)) => Err(failure),
            done => Ok(done),
        }
    };
    flow.store.retry().run(Policy::CONTENTION, attempt).await?
}

async fn try_to_revoke(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: InvitationId,
) -> Result<Invitation, MemberError> {
    let read = flow.store.invitation(company, id).await?;
    if !by.role.may_add(read.role) {
        return Err(MemberError::RoleRequired);
    }
    if read.state(flow.now) != InvitationState::Open {
        return Ok(read);
    }
    let (actor, from) = (AuditActor::Member(by.member), format!("{} / {}", read.used, read.uses));
    let audit = flow.audit_entry(actor, AuditAction::InvitationRevoked, id, from, "revoked")?;
    // Busy when somebody joined meanwhile: fewer seats are left to be freed.
    flow.store.revoke_invitation(company, &read, &audit).await?;
    Ok(Invitation { revoked: true, ..read })
}
