//! `PUT /v1/members/{member_id}`: what a member is called.

use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::id::MemberId;
use domain::member::{Member, PersonName, Position};
use edge::auth::Admin;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Code, Problem, ProblemBody};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;
use crate::members::MemberBody;

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
    let read = app.store.member(admin.company(), id).await?;
    if !admin.role.may_change(read.role) {
        return Err(Problem::of(Code::RoleRequired));
    }
    let after = Member { name, position, ..read.clone() };
    if after != read {
        let (actor, target) = (admin.audit_actor(), id.to_string());
        let audit = entry(&app, actor, AuditAction::MemberEdited, target, read.called(), after.called())?;
        app.store.edit_member(admin.company(), Change { read: &read, audit: &audit }, &after).await?;
    }
    Ok(Json(after.into()))
}
