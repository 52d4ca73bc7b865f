//! `/v1/members`: add and list members.

use std::collections::BTreeSet;

use app::people::member::{self, Head, MemberToAdd};
use axum::Json;
use axum::extract::State;
use domain::company::department::{DepartmentName, DepartmentTree};
use domain::kernel::id::{CardId, DepartmentId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::{Member, MemberStatus, PersonName, Position, Role};
use edge::auth::Admin;
use edge::fresh::LoggedIn;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Code, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::MemberFilter;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::secrets::OwnKeys;

/// A member to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMemberBody {
    /// The name.
    name: PersonName,
    /// The job title. Empty if absent.
    #[serde(default)]
    #[schema(required = false)]
    position: Position,
    /// The role: `staff` or `admin`. `staff` if absent. Only the boss adds admins.
    role: Option<Role>,
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberBody {
    /// The id.
    pub(crate) id: MemberId,
    /// The name.
    name: PersonName,
    /// The job title. Empty if there is none.
    position: Position,
    /// The role.
    role: Role,
    /// The card of the member. `null` if there is none.
    card_id: Option<CardId>,
    /// `invited` until the first login with the claim code, then `active`. Members who are
    /// `disabled` or have `left` use no seat.
    status: MemberStatus,
    /// The member who took over after this one was disabled or left. `null` if nobody is set.
    successor_id: Option<MemberId>,
    /// When it was created.
    created_at: Timestamp,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        let status = member.status();
        let Member { id, name, position, role, card, successor, created_at, .. } = member;
        Self { id, name, position, role, card_id: card, status, successor_id: successor, created_at }
    }
}

/// A member and their department.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberDetail {
    #[serde(flatten)]
    member: MemberBody,
    /// The department of the member. If it was deleted, the nearest department above it. `null` if
    /// there is none.
    department: Option<DepartmentSummary>,
}

/// A department in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DepartmentSummary {
    /// The id.
    id: DepartmentId,
    /// The name.
    name: DepartmentName,
}

impl MemberDetail {
    pub(crate) fn new(member: Member, tree: &DepartmentTree) -> Self {
        Self { department: DepartmentSummary::of(&member, tree), member: member.into() }
    }
}

impl DepartmentSummary {
    /// The department of a member.
    pub(crate) fn of(member: &Member, tree: &DepartmentTree) -> Option<Self> {
        let id = tree.living(member.department?)?;
        Some(Self { id, name: tree.get(id)?.name.clone() })
    }
}

/// A member with a claim code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberCreated {
    /// The member.
    member: MemberBody,
    /// The code for the first login. Send it to the member in private.
    claim_code: String,
    /// When the claim code expires.
    claim_expires_at: Timestamp,
}

impl MemberCreated {
    pub(crate) fn new(keys: &OwnKeys, member: Member, claim_expires_at: Timestamp) -> Self {
        let claim_code = keys.claims.code(member.id, member.claim_number).reveal();
        Self { member: member.into(), claim_code, claim_expires_at }
    }
}

/// Add a member with a card
///
/// Adds a member, with a card and a claim code for the first login, and reserves a seat. Only the
/// boss adds admins. Callers: admins and the boss. Idempotent by `Idempotency-Key`. Errors: 403
/// `role_required` for other callers, and for an admin who adds an admin; 403
/// `fresh_login_required` when the boss adds an admin and logged in more than five minutes ago; 409
/// `seats_exhausted` when no seat is free.
#[utoipa::path(post, path = "/v1/members", tag = "organization", request_body = NewMemberBody, params(IdempotencyKey),
    responses((status = 201, body = MemberCreated)))]
pub(crate) async fn create_member(
    State(app): State<App>,
    admin: Admin,
    once: IdempotentRequest<NewMemberBody>,
) -> Result<(StatusCode, Json<MemberCreated>), Problem> {
    let (new, request) = once.of(&admin);
    let keys = app.own.keys().await?;
    let new = MemberToAdd { name: new.name, position: new.position, role: new.role.unwrap_or(Role::Staff) };
    let (flow, by) = (app.flow(), head(admin));
    let added = member::add(&flow, admin.company(), by, &keys.claims, new, &request).await?;
    Ok((StatusCode::CREATED, Json(MemberCreated::new(keys, added.member, added.claim_expires_at))))
}

/// The filter of the list of members.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemberQuery {
    /// Only members with this status.
    #[param(inline)]
    status: Option<MemberStatus>,
    /// Only members whose name contains this text.
    #[param(inline)]
    name: Option<PersonName>,
    /// Only members of this department and the departments below it.
    #[param(inline)]
    department: Option<DepartmentId>,
}

/// List members
///
/// Lists the members of the company, the first added first. A page with a filter can be short
/// without being the last: continue while `next_cursor` is not null. Callers: admins and the boss.
/// Idempotent. Errors: 403 `role_required` for other callers; 404 `not_found` for an unknown
/// `department`.
#[utoipa::path(get, path = "/v1/members", tag = "organization", params(PageParams, MemberQuery),
    responses((status = 200, body = PageBody<MemberDetail>)))]
pub(crate) async fn list_members(
    State(app): State<App>,
    admin: Admin,
    paging: Paging<MemberQuery>,
) -> Result<Json<PageBody<MemberDetail>>, Problem> {
    let tree = app.store.departments(admin.company()).await?;
    let MemberQuery { status, name, department } = &paging.filter;
    let (name, departments) = (name.as_ref().map(ToString::to_string), among(&tree, *department)?);
    let filter = MemberFilter { status: *status, name, departments, ..MemberFilter::default() };
    let page = app.store.list_members(admin.company(), &filter, paging.position()?, paging.limit).await?;
    let items = page.items.into_iter().map(|member| MemberDetail::new(member, &tree)).collect();
    Ok(Json(paging.page(items, page.next)))
}

/// Get a member
///
/// Returns a member and their department. Callers: admins and the boss. Idempotent. Errors: 403
/// `role_required` for other callers.
#[utoipa::path(get, path = "/v1/members/{member_id}", tag = "organization",
    responses((status = 200, body = MemberDetail)))]
pub(crate) async fn get_member(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
) -> Result<Json<MemberDetail>, Problem> {
    let (member, tree) = app.store.member_and_departments(admin.company(), id).await?;
    Ok(Json(MemberDetail::new(member, &tree)))
}

/// The acting admin or boss, as flows take them.
pub(crate) fn head(admin: Admin) -> Head {
    Head { member: admin.member(), role: admin.role, logged_in_at: admin.logged_in_at() }
}

/// The departments that a filter by department includes.
pub(crate) fn among(
    tree: &DepartmentTree,
    department: Option<DepartmentId>,
) -> Result<Option<BTreeSet<DepartmentId>>, Problem> {
    let below = |department| tree.below(department).ok_or_else(|| Problem::of(Code::NotFound));
    department.map(below).transpose()
}
