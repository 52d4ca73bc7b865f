//! `PUT /v1/members/{member_id}/successor`: whom the card of somebody who is gone leads to.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor};
use domain::card::Successor;
use domain::field::FieldError;
use domain::id::MemberId;
use domain::member::{Member, MemberStatus};
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
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers, and for
/// an admin, if the member is no staff; 409 `member_active` when the member is not disabled and has
/// not left; 409 `no_card` when the member has no card; 409 `version_conflict` when the member was
/// changed at the same moment; 422 `invalid` when the successor is not active or has no card.
#[utoipa::path(put, path = "/v1/members/{member_id}/successor", tag = "organization", request_body = SuccessorUpdate,
    responses((status = 200, body = MemberBody)))]
pub(crate) async fn update_member_successor(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(update): Body<SuccessorUpdate>,
) -> Result<Json<MemberBody>, Problem> {
    let (read, other) = app.store.member_and_other(admin.company(), id, update.member_id).await?;
    if !admin.role.may_change(read.role) {
        return Err(Problem::of(Code::RoleRequired));
    }
    if read.ended.is_none() {
        return Err(Problem::of(Code::MemberActive));
    }
    let card = read.card.ok_or_else(|| Problem::of(Code::NoCard))?;
    if read.successor == update.member_id {
        return Ok(Json(read.into()));
    }
    let successor = update.member_id.map(|member| successor(member, other)).transpose()?;
    let name = |member: Option<MemberId>| member.map(|member| member.to_string()).unwrap_or_default();
    let (actor, from, to) = (AuditActor::Member(admin.member()), name(read.successor), name(update.member_id));
    let audit = entry(&app, actor, AuditAction::MemberSuccessor, id.to_string(), from, to)?;
    let change = Change { read: &read, audit: &audit };
    app.store.set_successor(admin.company(), change, (card, successor)).await?;
    Ok(Json(Member { successor: update.member_id, ..read }.into()))
}

/// The card that takes over, if its owner can.
fn successor(id: MemberId, found: Option<Member>) -> Result<(MemberId, Successor), Problem> {
    let refused = |code, detail| Problem::field("", &FieldError::new(code, detail).at("/member_id"));
    let member = found.ok_or_else(|| refused("unknown_member", "成员不存在"))?;
    match (member.status(), member.card) {
        (MemberStatus::Active, Some(card)) => Ok((id, Successor { card, name: member.name })),
        (MemberStatus::Active, None) => Err(refused("not_allowed", "接任者还没有名片")),
        _ => Err(refused("not_allowed", "接任者应为在职成员")),
    }
}
