//! `/v1/members`: add and list members.

use app::people::member::{self, Head, MemberToAdd};
use axum::Json;
use axum::extract::State;
use domain::department::{DepartmentName, DepartmentTree};
use domain::id::{CardId, DepartmentId, MemberId};
use domain::member::{Member, MemberStatus, PersonName, Position, Role};
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::idempotency::Once;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::MemberFilter;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::directory::among;
use crate::secrets::OwnKeys;

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
    /// `invited` until he has logged in with his claim code, then `active`; `disabled`
    /// and `left` use no seat.
    #[schema(value_type = String)]
    status: MemberStatus,
    /// Who has taken over from him, if he is disabled or has left.
    #[schema(value_type = Option<String>)]
    successor_id: Option<MemberId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        let status = member.status();
        let Member { id, name, position, role, card, successor, created_at, .. } = member;
        Self { id, name, position, role, card_id: card, status, successor_id: successor, created_at }
    }
}

/// A member with his department.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberDetail {
    #[serde(flatten)]
    member: MemberBody,
    /// The one he was put into, or the nearest above it that is left.
    department: Option<DepartmentSummary>,
}

/// A department, in a word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DepartmentSummary {
    #[schema(value_type = String)]
    id: DepartmentId,
    #[schema(value_type = String)]
    name: DepartmentName,
}

impl MemberDetail {
    pub(crate) fn new(member: Member, tree: &DepartmentTree) -> Self {
        Self { department: DepartmentSummary::of(&member, tree), member: member.into() }
    }
}

impl DepartmentSummary {
    /// The department a member is in.
    pub(crate) fn of(member: &Member, tree: &DepartmentTree) -> Option<Self> {
        let id = tree.living(member.department?)?;
        Some(Self { id, name: tree.get(id)?.name.clone() })
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

impl MemberCreated {
    pub(crate) fn new(keys: &OwnKeys, member: Member, claim_expires_at: Timestamp) -> Self {
        let claim_code = keys.claims.code(member.id, member.claim_number).reveal();
        Self { member: member.into(), claim_code, claim_expires_at }
    }
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
    let keys = app.own.keys().await?;
    let new = MemberToAdd { name: new.name, position: new.position, role: new.role.unwrap_or(Role::Staff) };
    let (flow, by) = (app.flow(), head(admin));
    let added = member::add(&flow, admin.company(), by, &keys.claims, new, &request).await?;
    Ok((StatusCode::CREATED, Json(MemberCreated::new(keys, added.member, added.claim_expires_at))))
}

/// Which members to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemberQuery {
    /// Only `invited`, `active`, `disabled` or `left` ones.
    #[param(value_type = Option<String>)]
    status: Option<MemberStatus>,
    /// Only those whose name contains this, at most 30 characters.
    #[param(value_type = Option<String>, max_length = 30)]
    name: Option<PersonName>,
    /// Only those of this department and the ones below it.
    #[param(value_type = Option<String>)]
    department: Option<DepartmentId>,
}

/// List members
///
/// The first added first. With a filter a page may be short and not the last: go on
/// while there is a `next_cursor`. For admins and the boss.
#[utoipa::path(get, path = "/v1/members", tag = "organization", security(("bearer" = [])), params(PageParams, MemberQuery),
    responses((status = 200, body = PageBody<MemberDetail>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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

/// View a member
///
/// For admins and the boss.
#[utoipa::path(get, path = "/v1/members/{member_id}", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    responses((status = 200, body = MemberDetail), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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
    Head { member: admin.member(), role: admin.role }
}
