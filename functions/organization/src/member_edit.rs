//! `PUT /v1/members/{member_id}`: what a member is called.

use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::id::MemberId;
use domain::member::{Member, PersonName, Position};
use edge::auth::Admin;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;
use crate::members::MemberBody;

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
/// not matter. Admins change staff; the boss changes everybody. Callers: admins and the boss.
/// Idempotent. Errors: 403 `role_required` for other callers, and for an admin, if the member is no
/// staff; 409 `version_conflict` when the member was changed at the same moment.
#[utoipa::path(put, path = "/v1/members/{member_id}", tag = "organization", request_body = MemberUpdate,
    responses((status = 200, body = MemberBody)))]
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
