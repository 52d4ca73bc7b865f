//! `PUT /v1/members/{member_id}/status` and `/role`.

use app::people::member::{self, Head};
use axum::Json;
use axum::extract::State;
use domain::kernel::field::FieldError;
use domain::kernel::id::MemberId;
use domain::people::member::{MemberStatus, Role};
use edge::auth::{Admin, Boss};
use edge::body::Body;
use edge::fresh::{Fresh, LoggedIn};
use edge::path::PathId;
use edge::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::people::member::{MemberBody, head};

edge::closed_sets! {
    /// A status that can be set.
    SettableStatus = "active" | "disabled" | "left";
}

/// The new status of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusUpdate {
    /// The status.
    #[schema(value_type = SettableStatus)]
    status: String,
}

/// The new role of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleUpdate {
    /// The role.
    role: Role,
}

/// Change a member's status
///
/// Disables a member, records that they left, or makes them active again. Members who are not
/// active use no seat and log in as visitors. `left` withdraws the claim code of a member who has
/// never logged in. The member's tokens end at once, and their open sockets of the live radar are
/// closed. Admins change staff; the boss changes everybody else. Callers: admins and the boss, with
/// a fresh login. Idempotent. Errors: 403 `role_required` for other callers, and for their own
/// status, and for an admin if the member is no staff; 403 `fresh_login_required` when the caller's
/// login is older than five minutes; 409 `seats_exhausted` when no seat is free for a member who
/// comes back; 409 `version_conflict` when the member was changed at the same moment; 422
/// `invalid` when a member who has never joined would become active or disabled.
#[utoipa::path(put, path = "/v1/members/{member_id}/status", tag = "organization", request_body = StatusUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member_status(
    State(app): State<App>,
    Fresh(admin): Fresh<Admin>,
    PathId(id): PathId<MemberId>,
    Body(update): Body<StatusUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let to = MemberStatus::settable(&update.status).ok_or_else(|| unknown("/status"))?;
    let after = member::set_status(&app.flow(), admin.company(), head(admin), id, to).await?;
    Ok(Json(after.into()))
}

/// Change a member's role
///
/// Gives a member another role. The member's tokens end at once, and their open sockets of the live
/// radar are closed. Callers: the boss, with a fresh login. Idempotent. Errors: 403
/// `role_required` for other callers, and for their own role; 403 `fresh_login_required` when the
/// caller's login is older than five minutes; 409 `version_conflict` when the member was changed at the
/// same moment.
#[utoipa::path(put, path = "/v1/members/{member_id}/role", tag = "organization", request_body = RoleUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member_role(
    State(app): State<App>,
    Fresh(boss): Fresh<Boss>,
    PathId(id): PathId<MemberId>,
    Body(update): Body<RoleUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let by = Head { member: boss.member(), role: Role::Boss, logged_in_at: boss.logged_in_at() };
    let after = member::set_role(&app.flow(), boss.company(), by, id, update.role).await?;
    Ok(Json(after.into()))
}

fn unknown(pointer: &'static str) -> Problem {
    Problem::field("", &FieldError::new("unknown_status", "状态只能是 active、disabled 或 left").at(pointer))
}
