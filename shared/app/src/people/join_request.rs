//! Deciding about requests to join.

use domain::card::Identity;
use domain::company::Company;
use domain::company::CompanyName;
use domain::company::audit::{AuditAction, AuditActor};
use domain::kernel::failure::Failure;
use domain::kernel::id::JoinRequestId;
use domain::people::join_request::{Decision, DecisionError, JoinRequest, JoinRequestState};

use crate::Flow;
use crate::people::join::joining_member;
use crate::people::member::Head;

/// Decides about a request to join, and returns it as it stands then. The same decision again
/// changes nothing.
///
/// # Errors
/// [`DecisionError`].
pub async fn decide(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: JoinRequestId,
    decision: Decision,
) -> Result<JoinRequest, DecisionError> {
    let (read, profile) = flow.store.join_request(company, id).await?;
    by.require_admission(read.role, flow.now)?;
    let decided = match read.state(flow.now) {
        JoinRequestState::Expired => return Err(DecisionError::Expired),
        JoinRequestState::Approved | JoinRequestState::Rejected => read,
        JoinRequestState::Pending => decide_pending(flow, company, by, read, profile.name, decision).await?,
    };
    if decided.decision == Some(decision) { Ok(decided) } else { Err(DecisionError::Decided) }
}

async fn decide_pending(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    read: JoinRequest,
    company_name: CompanyName,
    decision: Decision,
) -> Result<JoinRequest, Failure> {
    let (actor, from, role) = (AuditActor::Member(by.member), read.invitation.to_string(), read.role.name());
    let (joining_member, action, target) = match decision {
        Decision::Approve => {
            let identity = Identity { name: read.name.clone(), position: read.position.clone(), company: company_name };
            let joining_member = joining_member(flow, read.person, read.role, identity)?;
            let id = joining_member.member.id.to_string();
            (Some(joining_member), AuditAction::MemberJoined, id)
        }
        Decision::Reject => (None, AuditAction::JoinRejected, read.id.to_string()),
    };
    let audit = flow.audit_entry(actor, action, target, from, role)?;
    flow.store.decide_join_request(company, read, joining_member.as_ref(), &audit).await
}
