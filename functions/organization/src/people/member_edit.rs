//! `PUT /v1/members/{member_id}`: a member's name and position.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::kernel::id::MemberId;
use domain::people::member::{PersonName, Position};
use edge::auth::Admin;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::people::member::{MemberBody, head};

/// The name and position of a member. Both are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberUpdate {
    /// The name.
    name: PersonName,
    /// The job title. Empty for none.
    position: Position,
}

/// Change a member's name and position
///
/// Replaces the name and position of a member, also on their card. The status of the member does
/// not matter. Admins change staff and themselves; the boss changes everybody. Callers: admins and
/// the boss. Idempotent. Errors: 403 `role_required` for other callers, and for an admin, if the
/// member is another admin or the boss; 409 `version_conflict` when the member was changed at the
/// same moment.
#[utoipa::path(put, path = "/v1/members/{member_id}", tag = "organization", request_body = MemberUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(MemberUpdate { name, position }): Body<MemberUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let after = member::rename(&app.flow(), admin.company(), head(admin), id, (name, position)).await?;
    Ok(Json(after.into()))
}
