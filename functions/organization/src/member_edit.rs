//! `PUT /v1/members/{member_id}`: what a member is called.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::id::MemberId;
use domain::member::{PersonName, Position};
use edge::auth::Admin;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::members::{MemberBody, head};

/// What a member shall be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberUpdate {
    /// 1 to 30 characters.
    #[schema(value_type = String, min_length = 1, max_length = 30)]
    name: PersonName,
    /// At most 30 characters; empty for none.
    #[schema(value_type = String, max_length = 30)]
    position: Position,
}

/// Edit a member's name and position
///
/// Whatever his status, and on his card too. Admins change staff, the boss everybody.
#[utoipa::path(put, path = "/v1/members/{member_id}", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    request_body = MemberUpdate,
    responses((status = 200, body = MemberBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_member(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(MemberUpdate { name, position }): Body<MemberUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let after = member::rename(&app.flow(), admin.company(), head(admin), id, (name, position)).await?;
    Ok(Json(after.into()))
}
