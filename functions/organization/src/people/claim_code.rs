//! `POST /v1/members/{member_id}/claim-codes`: a new code for a member who has not joined.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::kernel::id::MemberId;
use edge::auth::Admin;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::people::member::{MemberCreated, head};

/// An empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClaimCode {}

/// Create a new claim code
///
/// Issues a new claim code for a member who has never logged in, and ends the old code. Reserves a
/// seat again if the old code had expired. Admins issue codes for staff; the boss issues all.
/// Callers: admins and the boss. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for
/// other callers, and for an admin, if the member is no staff; 403 `fresh_login_required` for an
/// admin's code when the boss logged in more than five minutes ago; 409 `already_member` when the member
/// has joined; 409 `member_inactive` when the member is disabled or has left; 409 `seats_exhausted`
/// when no seat is free; 409 `version_conflict` when the member was changed at the same moment.
#[utoipa::path(post, path = "/v1/members/{member_id}/claim-codes", tag = "organization",
    request_body = NewClaimCode, params(IdempotencyKey), responses((status = 201, body = MemberCreated)))]
pub(crate) async fn create_claim_code(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    once: IdempotentRequest<NewClaimCode>,
) -> Result<(StatusCode, Json<MemberCreated>), Problem> {
    let (_, request) = once.of(&admin);
    let keys = app.own.keys().await?;
    let (flow, company, by) = (app.flow(), admin.company(), head(admin));
    let issued = member::issue_claim_code(&flow, company, by, &keys.claims, id, &request).await?;
    Ok((StatusCode::CREATED, Json(MemberCreated::new(keys, issued.member, issued.expires_at))))
}
