//! Joining by an invitation, at a login.

use domain::card::{Card, Identity};
use domain::company::CompanyName;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::{Company, Person};
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;
use domain::people::invitation::LoginError;
use domain::people::invitation::{InvitationState, Offer};
use domain::people::join_request::JoinRequest;
use domain::people::member::{Member, PersonName, Position, Role};
use store::{JoinContext, JoinOutcome, Joining, JoiningMember};

use crate::Flow;

/// The invitation somebody comes by, and how they are called.
#[derive(Debug, Clone)]
pub struct InvitationUsed {
    /// The stored hash of the invitation's code.
    pub code_hash: String,
    /// Their name.
    pub name: PersonName,
    /// Their job title.
    pub position: Position,
}

/// Returns the person as the member they become, or with the request they make. Somebody who
/// is a member already, or waits for a decision, stays as they are: sending the call again
/// uses nothing.
///
/// # Errors
/// [`LoginError::InvitationInvalid`] and [`LoginError::InvitationClosed`].
pub async fn join(
    flow: &Flow<'_>,
    company: Company,
    person: Person,
    openid: &OpenId,
    by: &InvitationUsed,
) -> Result<Person, LoginError> {
    if person.member.is_some() {
        return Ok(person);
    }
    let JoinContext { offer, profile, request } =
        flow.store.entrance(company, &by.code_hash, person.join_request).await?;
    let offer = offer.ok_or(LoginError::InvitationInvalid)?;
    if request.is_some_and(|request| request.stands_against(offer.invitation, flow.now)) {
        return Ok(person);
    }
    let (outcome, after) = if offer.review {
        ask(flow, company, person, openid, by, offer).await?
    } else {
        enter(flow, company, person, openid, by, (offer, profile.name)).await?
    };
    match outcome {
        JoinOutcome::Done => Ok(after),
        // Another call of the same person came first: they are what that one made of them.
        JoinOutcome::Already => Ok(flow.store.sign_in(company, openid, person.id, flow.now).await?),
        JoinOutcome::Closed(InvitationState::Open) => Err(Failure::Busy.into()),
        JoinOutcome::Closed(state) => Err(LoginError::InvitationClosed(state)),
    }
}

async fn enter(
    flow: &Flow<'_>,
    company: Company,
    person: Person,
    openid: &OpenId,
    by: &InvitationUsed,
    (offer, company_name): (Offer, CompanyName),
) -> Result<(JoinOutcome, Person), Failure> {
    let identity = Identity { name: by.name.clone(), position: by.position.clone(), company: company_name };
    let newcomer = joining_member(flow, person.id, offer.role, identity)?;
    let id = newcomer.member.id;
    let (from, to) = (offer.invitation.to_string(), offer.role.name());
    let audit = flow.audit_entry(AuditActor::Member(id), AuditAction::MemberJoined, id, from, to)?;
    let joining = Joining { offer, openid, newcomer: &newcomer, audit: &audit };
    Ok((flow.store.join(company, joining).await?, Person { member: Some(id), ..person }))
}

async fn ask(
    flow: &Flow<'_>,
    company: Company,
    person: Person,
    openid: &OpenId,
    by: &InvitationUsed,
    offer: Offer,
) -> Result<(JoinOutcome, Person), Failure> {
    let request = JoinRequest {
        id: flow.new_id()?,
        invitation: offer.invitation,
        person: person.id,
        openid: openid.clone(),
        name: by.name.clone(),
        position: by.position.clone(),
        role: offer.role,
        created_at: flow.now,
        decision: None,
        member: None,
    };
    let outcome = flow.store.ask_to_join(company, &request, (offer, person.join_request)).await?;
    Ok((outcome, Person { join_request: Some(request.id), ..person }))
}

/// Returns a new member with their card.
pub(crate) fn joining_member(
    flow: &Flow<'_>,
    person: PersonId,
    role: Role,
    identity: Identity,
) -> Result<JoiningMember, Failure> {
    let (id, card) = (flow.new_id()?, flow.new_id()?);
    let member = Member::invited(id, identity.name.clone(), identity.position.clone(), role, flow.now);
    let member = Member { card: Some(card), person: Some(person), ..member };
    Ok(JoiningMember { member, card: Card::new(card, id, identity, flow.now) })
}
