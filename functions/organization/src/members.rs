//! `/v1/members`: add and list members.

use axum::Json;
use axum::extract::State;
use domain::card::{Card, Contact, Identity};
use domain::claim;
use domain::failure::Failure;
use domain::id::{CardId, Id, MemberId};
use domain::member::{Member, PersonName, Position, Role};
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::idempotency::Once;
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::{Code, Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::NewMember;
use utoipa::ToSchema;

use crate::App;

/// A member to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMemberBody {
    /// 1 to 30 characters.
    #[schema(value_type = String, min_length = 1, max_length = 30)]
    name: PersonName,
    /// At most 30 characters.
    #[serde(default)]
    #[schema(value_type = String, max_length = 30, required = false)]
    position: Position,
    /// `staff` (if absent) or `admin`; only the boss adds admins.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberBody {
    #[schema(value_type = String)]
    pub(crate) id: MemberId,
    #[schema(value_type = String)]
    name: PersonName,
    #[schema(value_type = String)]
    position: Position,
    /// `staff`, `admin` or `boss`.
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = Option<String>)]
    card_id: Option<CardId>,
    /// `invited` until he has logged in with his claim code, then `active`.
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        let Member { id, name, position, role, card, person, created_at } = member;
        let status = if person.is_some() { "active" } else { "invited" };
        Self { id, name, position, role, card_id: card, status, created_at }
    }
}

/// A member with his claim code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberCreated {
    member: MemberBody,
    /// For his first login; pass it on in private.
    claim_code: String,
    #[schema(value_type = String, format = DateTime)]
    claim_expires_at: Timestamp,
}

/// Add a member with a card
///
/// For admins and the boss. The member claims his membership at his first login.
#[utoipa::path(post, path = "/v1/members", tag = "organization", security(("bearer" = [])), request_body = NewMemberBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MemberCreated), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_member(
    State(app): State<App>,
    admin: Admin,
    once: Once<NewMemberBody>,
) -> Result<(StatusCode, Json<MemberCreated>), Problem> {
    let (new, request) = once.of(&admin);
    let role = new.role.unwrap_or(Role::Staff);
    if !admin.role.may_add(role) {
        return Err(Problem::of(Code::RoleRequired));
    }
    let now = app.clock.now();
    let company = app.store.company(admin.company()).await?;
    let (id, card) = (fresh(&app, now)?, fresh(&app, now)?);
    let identity = Identity { name: new.name.clone(), position: new.position.clone(), company: company.name };
    let card = Card { id: card, member: id, identity, contact: Contact::default(), version: 1, updated_at: now };
    let member =
        Member { id, name: new.name, position: new.position, role, card: Some(card.id), person: None, created_at: now };
    let added = app.store.add_member(admin.company(), invited(&app, member, Some(card), now), &request, now).await?;
    let claim_code = app.claims.code(added.member.id).reveal();
    let created = MemberCreated { member: added.member.into(), claim_code, claim_expires_at: added.claim_expires_at };
    Ok((StatusCode::CREATED, Json(created)))
}

/// List members
///
/// The first added first. For admins and the boss.
#[utoipa::path(get, path = "/v1/members", tag = "organization", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = PageBody<MemberBody>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_members(
    State(app): State<App>,
    admin: Admin,
    paging: Paging,
) -> Result<Json<PageBody<MemberBody>>, Problem> {
    let page = app.store.list_members(admin.company(), paging.position()?, paging.limit).await?;
    let items = page.items.into_iter().map(MemberBody::from).collect();
    Ok(Json(paging.page(items, page.next)))
}

/// A member with the claim that belongs to him.
pub(crate) fn invited(app: &App, member: Member, card: Option<Card>, now: Timestamp) -> NewMember {
    let claim_hash = app.claims.hash(&app.claims.code(member.id));
    NewMember { member, card, claim_hash, claim_expires_at: claim::expires_at(now) }
}

/// A new id.
pub(crate) fn fresh<T: Id>(app: &App, now: Timestamp) -> Result<T, Problem> {
    app.ids.fresh(now).map_err(|error| Failure::Unavailable(error.to_string()).into())
}
