//! `PUT /v1/members/{member_id}/successor`: the successor of a member who has left.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::kernel::id::MemberId;
use edge::auth::Admin;
use edge::body::Body;
use edge::fresh::Fresh;
use edge::path::PathId;
use edge::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::people::member::{MemberBody, head};

/// The successor of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuccessorUpdate {
    /// An active member with a card. `null` for none.
    member_id: Option<MemberId>,
}

/// Set the successor of a member
///
/// Sets the colleague who takes over from a member who is disabled or has left. The card of that
/// member then points to the card of the successor. Admins set it for staff; the boss sets all.
/// Callers: admins and the boss, with a fresh login. Idempotent. Errors: 403 `role_required` for other
/// callers, and for an admin, if the member is no staff; 403 `fresh_login_required` when the caller's
/// login is older than five minutes; 409 `member_active` when the member is not disabled and has
/// not left; 409 `no_card` when the member has no card; 409 `version_conflict` when the member was
/// changed at the same moment; 422 `invalid` when the successor is not active or has no card.
#[utoipa::path(put, path = "/v1/members/{member_id}/successor", tag = "organization", request_body = SuccessorUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member_successor(
    State(app): State<App>,
    Fresh(admin): Fresh<Admin>,
    PathId(id): PathId<MemberId>,
    Body(update): Body<SuccessorUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let after = member::set_successor(&app.flow(), admin.company(), head(admin), id, update.member_id).await?;
    Ok(Json(after.into()))
}
