//! `PUT /v1/members/{member_id}/successor`: whom the card of somebody who is gone leads to.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::id::MemberId;
use edge::auth::Admin;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::members::{MemberBody, head};

/// Who has taken over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuccessorUpdate {
    /// An active member with a card; `null` for nobody.
    #[schema(value_type = Option<String>)]
    member_id: Option<MemberId>,
}

/// Name the successor
///
/// Of a member who was disabled or has left: his card says that he is gone and leads to
/// the successor's. Admins name those of staff, the boss all.
#[utoipa::path(put, path = "/v1/members/{member_id}/successor", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    request_body = SuccessorUpdate,
    responses((status = 200, body = MemberBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_member_successor(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(update): Body<SuccessorUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let after = member::set_successor(&app.flow(), admin.company(), head(admin), id, update.member_id).await?;
    Ok(Json(after.into()))
}
