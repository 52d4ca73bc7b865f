//! `PUT /v1/members/{member_id}/status` and `/role`.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::field::FieldError;
use domain::id::MemberId;
use domain::member::{MemberStatus, Role};
use edge::auth::{Admin, Boss};
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::members::{MemberBody, head};

/// Where a member shall stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusUpdate {
    /// `active`, `disabled` or `left`.
    status: String,
}

/// What a member shall be allowed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleUpdate {
    /// `staff`, `admin` or `boss`.
    #[schema(value_type = String)]
    role: Role,
}

/// Disable, take back or let go a member
///
/// Disabled members and those who left use no seat and log in as visitors; taking one
/// back needs a seat. `left` withdraws an invitation. Admins change staff, the boss
/// everybody but himself.
#[utoipa::path(put, path = "/v1/members/{member_id}/status", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    request_body = StatusUpdate,
    responses((status = 200, body = MemberBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_member_status(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(update): Body<StatusUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let to = MemberStatus::settable(&update.status).ok_or_else(|| unknown("/status"))?;
    let after = member::set_status(&app.flow(), admin.company(), head(admin), id, to).await?;
    Ok(Json(after.into()))
}

/// Change a member's role
///
/// For the boss, and not his own: there is always one.
#[utoipa::path(put, path = "/v1/members/{member_id}/role", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    request_body = RoleUpdate,
    responses((status = 200, body = MemberBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_member_role(
    State(app): State<App>,
    boss: Boss,
    PathId(id): PathId<MemberId>,
    Body(update): Body<RoleUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let after = member::set_role(&app.flow(), boss.company(), boss.member(), id, update.role).await?;
    Ok(Json(after.into()))
}

fn unknown(pointer: &'static str) -> Problem {
    Problem::field("", &FieldError::new("unknown_status", "状态只能是 active、disabled 或 left").at(pointer))
}
