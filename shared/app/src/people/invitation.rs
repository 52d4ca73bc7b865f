//! Making and revoking invitations.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::id::InvitationId;
use domain::kernel::idempotency::Idempotency;
use domain::people::invitation::{Invitation, InvitationState};
use domain::people::member::MemberError;
use runtime::retry::Policy;
use store::Page;

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
    by.require_admission(new.role, flow.now)?;
    let to = format!("{} × {}", new.role.name(), new.uses);
    let audit = flow.audit_entry(AuditActor::Member(by.member), AuditAction::InvitationCreated, new.id, "", to)?;
    let hash = codes.invitation_hash(&codes.invitation_code(new.id));
    let spends = [BudgetSpend::one(BudgetName::Invitations, BudgetSubject::Member(company, by.member))];
    let attempt = || flow.store.create_invitation(company, new.clone(), &hash, &audit, request, &spends);
    Ok(take_seat(flow, company, attempt).await?)
}

/// An invitation, and its state with the member in mind who made it.
pub type KnownInvitation = (Invitation, InvitationState);

/// Returns the invitations in this state, the latest first.
///
/// # Errors
/// [`Failure::Unavailable`] and the like.
pub async fn list(
    flow: &Flow<'_>,
    company: Company,
    state: Option<InvitationState>,
    after: Option<InvitationId>,
    limit: u32,
) -> Result<Page<KnownInvitation, InvitationId>, Failure> {
    let page = flow.store.list_invitations(company, (state, flow.now), after, limit).await?;
    let mut items = with_state(flow, company, page.items).await?;
    items.retain(|(_, known)| state.is_none_or(|state| *known == state));
    Ok(Page { items, next: page.next })
}

/// Returns an invitation.
///
/// # Errors
/// [`Failure::NotFound`].
pub async fn get(flow: &Flow<'_>, company: Company, id: InvitationId) -> Result<KnownInvitation, Failure> {
    let found = flow.store.invitation(company, id).await?;
    with_state(flow, company, vec![found]).await?.pop().ok_or(Failure::NotFound)
}

/// The invitations with their states. Members who made open ones are read, but for the member who
/// acts: their token says it.
async fn with_state(
    flow: &Flow<'_>,
    company: Company,
    invitations: Vec<Invitation>,
) -> Result<Vec<KnownInvitation>, Failure> {
    let open = |invitation: &&Invitation| invitation.state(flow.now) == InvitationState::Open;
    let makers = invitations.iter().filter(open).map(|invitation| invitation.created_by);
    let makers = flow.store.members(company, &makers.collect::<BTreeSet<_>>()).await?;
    let with_state = |invitation: Invitation| {
        let maker = makers.iter().find(|maker| maker.id == invitation.created_by);
        let state = invitation.state_by(maker, flow.now);
        (invitation, state)
    };
    Ok(invitations.into_iter().map(with_state).collect())
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
    if !by.may_admit(read.role) {
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
