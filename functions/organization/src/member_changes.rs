//! `PUT /v1/members/{member_id}/status` and `/role`.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor};
use domain::field::FieldError;
use domain::id::MemberId;
use domain::member::{Member, MemberStatus, Role, SeatChange};
use edge::auth::{Admin, Boss};
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use serde::Deserialize;
use store::{Change, QuotaName};
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;
use crate::members::MemberBody;

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
/// never logged in. Admins change staff; the boss changes everybody else. Callers: admins and the
/// boss. Idempotent. Errors: 403 `role_required` for other callers, and for the own status, and for
/// an admin if the member is no staff; 409 `seats_exhausted` when no seat is free for a member who
/// comes back; 409 `version_conflict` when the member was changed at the same moment; 422 `invalid`
/// when a member who has never joined would become active or disabled.
#[utoipa::path(put, path = "/v1/members/{member_id}/status", tag = "organization", request_body = StatusUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member_status(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(update): Body<StatusUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let to = MemberStatus::settable(&update.status).ok_or_else(|| unknown("/status"))?;
    let read = app.store.member(admin.company(), id).await?;
    if id == admin.member() || !admin.role.may_change(read.role) {
        return Err(Problem::of(Code::RoleRequired));
    }
    let (ended, seat) = read.with_status(to).map_err(|error| Problem::field("", &error))?;
    if read.status() == to {
        return Ok(Json(read.into()));
    }
    let actor = AuditActor::Member(admin.member());
    let audit = entry(&app, actor, AuditAction::MemberStatus, id.to_string(), read.status().name(), to.name())?;
    let change = Change { read: &read, audit: &audit };
    let mut done = app.store.set_member_ended(admin.company(), change, ended, seat).await;
    if seat == SeatChange::Take
        && done.is_err()
        && app.store.sweep_quota(admin.company(), QuotaName::Seats, audit.at).await? > 0
    {
        done = app.store.set_member_ended(admin.company(), change, ended, seat).await;
    }
    done?;
    let successor = ended.and(read.successor);
    Ok(Json(Member { ended, successor, ..read }.into()))
}

/// Change a member's role
///
/// Gives a member another role. Callers: the boss. Idempotent. Errors: 403 `role_required` for
/// other callers, and for the own role; 409 `version_conflict` when the member was changed at the
/// same moment.
#[utoipa::path(put, path = "/v1/members/{member_id}/role", tag = "organization", request_body = RoleUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member_role(
    State(app): State<App>,
    boss: Boss,
    PathId(id): PathId<MemberId>,
    Body(update): Body<RoleUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let read = app.store.member(boss.company(), id).await?;
    if id == boss.member() {
        return Err(Problem::of(Code::RoleRequired));
    }
    if read.role == update.role {
        return Ok(Json(read.into()));
    }
    let actor = AuditActor::Member(boss.member());
    let audit = entry(&app, actor, AuditAction::MemberRole, id.to_string(), read.role.name(), update.role.name())?;
    app.store.set_member_role(boss.company(), Change { read: &read, audit: &audit }, update.role).await?;
    Ok(Json(Member { role: update.role, ..read }.into()))
}

fn unknown(pointer: &'static str) -> Problem {
    Problem::field("", &FieldError::new("unknown_status", "状态只能是 active、disabled 或 left").at(pointer))
}
