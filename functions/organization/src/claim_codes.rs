//! `POST /v1/members/{member_id}/claim-codes`: a new code for who has not joined yet.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::id::MemberId;
use edge::auth::Admin;
use edge::idempotency::Once;
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::members::{MemberCreated, head};

/// Nothing needs to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClaimCode {}

/// Issue a new claim code
///
/// The old code is dead; the seat is held again, taken anew if it was freed meanwhile.
/// Admins issue those of staff, the boss all.
#[utoipa::path(post, path = "/v1/members/{member_id}/claim-codes", tag = "organization", security(("bearer" = [])), request_body = NewClaimCode,
    params(("member_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MemberCreated), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_claim_code(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    once: Once<NewClaimCode>,
) -> Result<(StatusCode, Json<MemberCreated>), Problem> {
    let (_, request) = once.of(&admin);
    let keys = app.own.keys().await?;
    let (flow, company, by) = (app.flow(), admin.company(), head(admin));
    let issued = member::issue_claim_code(&flow, company, by, &keys.claims, id, &request).await?;
    Ok((StatusCode::CREATED, Json(MemberCreated::new(keys, issued.member, issued.expires_at))))
}
