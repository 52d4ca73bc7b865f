//! Joining by an invitation, at a login.

use domain::audit::{AuditAction, AuditActor};
use domain::card::{Card, CompanyName, Identity};
use domain::company::{Company, Person};
use domain::id::PersonId;
use domain::invitation::{InvitationCode, InvitationState, Offer};
use domain::join_request::JoinRequest;
use domain::member::{Member, PersonName, Position, Role};
use domain::text::OpenId;
use domain::timestamp::Timestamp;
use edge::problem::{Code, Problem};
use serde::Deserialize;
use store::{Entered, Entrance, Joining, Newcomer};
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;
use crate::members::fresh;

/// An invitation and the person who uses it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationUse {
    /// The code of the invitation, with or without hyphens.
    code: InvitationCode,
    /// The name of the person.
    name: PersonName,
    /// The job title of the person. Empty if absent.
    #[serde(default)]
    #[schema(required = false)]
    position: Position,
}

/// The person as the member he becomes, or with the request he makes. Who is a member
/// already, or waits for a decision, is left as he is: sending the call again uses nothing.
pub(crate) async fn join(
    app: &App,
    company: Company,
    person: Person,
    openid: &OpenId,
    by: &InvitationUse,
    now: Timestamp,
) -> Result<Person, Problem> {
    if person.member.is_some() {
        return Ok(person);
    }
    let hash = app.own.keys().await?.claims.invitation_hash(&by.code);
    let Entrance { offer, profile, request } = app.store.entrance(company, &hash, person.join_request).await?;
    let offer = offer.ok_or_else(|| Problem::of(Code::InvitationInvalid))?;
    if request.is_some_and(|request| request.stands_against(offer.invitation, now)) {
        return Ok(person);
    }
    let (entered, after) = if offer.review {
        ask(app, company, person, openid, by, offer, now).await?
    } else {
        enter(app, company, person, openid, by, (offer, profile.name), now).await?
    };
    match entered {
        Entered::Done => Ok(after),
        // Another call of the same person came first: he is what that one made of him.
        Entered::Already => Ok(app.store.sign_in(company, openid, person.id, now).await?),
        Entered::Closed(state) => Err(Problem::of(match state {
            InvitationState::UsedUp => Code::InvitationUsedUp,
            InvitationState::Expired => Code::InvitationExpired,
            InvitationState::Revoked => Code::InvitationRevoked,
            InvitationState::Open => Code::Busy,
        })),
    }
}

async fn enter(
    app: &App,
    company: Company,
    person: Person,
    openid: &OpenId,
    by: &InvitationUse,
    (offer, company_name): (Offer, CompanyName),
    now: Timestamp,
) -> Result<(Entered, Person), Problem> {
    let identity = Identity { name: by.name.clone(), position: by.position.clone(), company: company_name };
    let newcomer = newcomer(app, person.id, offer.role, identity, now)?;
    let id = newcomer.member.id;
    let (from, to) = (offer.invitation.to_string(), offer.role.name());
    let audit = entry(app, AuditActor::Member(id), AuditAction::MemberJoined, id.to_string(), from, to)?;
    let joining = Joining { invitation: offer.invitation, openid, newcomer: &newcomer, audit: &audit };
    Ok((app.store.join(company, joining).await?, Person { member: Some(id), ..person }))
}

async fn ask(
    app: &App,
    company: Company,
    person: Person,
    openid: &OpenId,
    by: &InvitationUse,
    offer: Offer,
    now: Timestamp,
) -> Result<(Entered, Person), Problem> {
    let request = JoinRequest {
        id: fresh(app, now)?,
        invitation: offer.invitation,
        person: person.id,
        openid: openid.clone(),
        name: by.name.clone(),
        position: by.position.clone(),
        role: offer.role,
        created_at: now,
        decision: None,
        member: None,
    };
    let entered = app.store.ask_to_join(company, &request, person.join_request).await?;
    Ok((entered, Person { join_request: Some(request.id), ..person }))
}

/// A new member with his card.
pub(crate) fn newcomer(
    app: &App,
    person: PersonId,
    role: Role,
    identity: Identity,
    now: Timestamp,
) -> Result<Newcomer, Problem> {
    let (id, card) = (fresh(app, now)?, fresh(app, now)?);
    let member = Member::invited(id, identity.name.clone(), identity.position.clone(), role, now);
    let member = Member { card: Some(card), person: Some(person), ..member };
    Ok(Newcomer { member, card: Card::new(card, id, identity, now) })
}
