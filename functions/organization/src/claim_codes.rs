//! `POST /v1/members/{member_id}/claim-codes`: a new code for who has not joined yet.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor};
use domain::claim;
use domain::failure::{Failure, Resource};
use domain::id::MemberId;
use domain::idempotency::Idempotency;
use domain::member::{Member, MemberStatus};
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::idempotency::Once;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use http::StatusCode;
use serde::Deserialize;
use store::{ClaimCodeIssued, ClaimCodeOf, QuotaName};
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;
use crate::members::MemberCreated;
use crate::secrets::OwnKeys;

/// An empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClaimCode {}

/// Create a new claim code
///
/// Issues a new claim code for a member who has never logged in, and ends the old code. Reserves a
/// seat again if the old code had expired. Admins issue codes for staff; the boss issues all.
/// Callers: admins and the boss. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for
/// other callers, and for an admin, if the member is no staff; 409 `already_member` when the member
/// has joined; 409 `member_inactive` when the member is disabled or has left; 409 `seats_exhausted`
/// when no seat is free; 409 `version_conflict` when the member was changed at the same moment.
#[utoipa::path(post, path = "/v1/members/{member_id}/claim-codes", tag = "organization",
    request_body = NewClaimCode, params(IdempotencyKey), responses((status = 201, body = MemberCreated)))]
pub(crate) async fn create_claim_code(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    once: Once<NewClaimCode>,
) -> Result<(StatusCode, Json<MemberCreated>), Problem> {
    let (_, request) = once.of(&admin);
    let (company, now) = (admin.company(), app.clock.now());
    let keys = app.own.keys().await?;
    let mut read = app.store.claim_code_of(company, id, &request, now).await?;
    if !admin.role.may_change(read.member.role) {
        return Err(Problem::of(Code::RoleRequired));
    }
    if let Some(before) = read.before.take() {
        return Ok(created(keys, before));
    }
    match read.member.status() {
        MemberStatus::Invited => Ok(created(keys, issue(&app, keys, &admin, &read, &request, now).await?)),
        MemberStatus::Active => Err(Problem::of(Code::AlreadyMember)),
        MemberStatus::Disabled | MemberStatus::Left => Err(Problem::of(Code::MemberInactive)),
    }
}

/// Issues the next code; when no seat is left, after freeing those of what has expired.
async fn issue(
    app: &App,
    keys: &OwnKeys,
    admin: &Admin,
    read: &ClaimCodeOf,
    request: &Idempotency,
    now: Timestamp,
) -> Result<ClaimCodeIssued, Problem> {
    let (company, id, number) = (admin.company(), read.member.id, read.member.claim_number.saturating_add(1));
    let hash = keys.claims.hash(&keys.claims.code(id, number));
    let expires_at = claim::expires_at(now);
    let issued = ClaimCodeIssued { member: Member { claim_number: number, ..read.member.clone() }, expires_at };
    let (actor, until) = (AuditActor::Member(admin.member()), expires_at.to_string());
    let audit = entry(app, actor, AuditAction::ClaimCodeIssued, id.to_string(), "", until)?;
    let attempt = async || app.store.issue_claim_code(company, read, (issued.clone(), &hash), &audit, request).await;
    match attempt().await {
        Err(Failure::Exhausted(Resource::Seats))
            if app.store.sweep_quota(company, QuotaName::Seats, now).await? > 0 =>
        {
            Ok(attempt().await?)
        }
        done => Ok(done?),
    }
}

fn created(
    keys: &OwnKeys,
    ClaimCodeIssued { member, expires_at }: ClaimCodeIssued,
) -> (StatusCode, Json<MemberCreated>) {
    (StatusCode::CREATED, Json(MemberCreated::new(keys, member, expires_at)))
}
