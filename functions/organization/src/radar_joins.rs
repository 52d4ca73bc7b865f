//! The member's side of radar activation: redeem the code, follow the QR code.

use app::people::activation;
use app::people::radar_code::Ticket;
use axum::Json;
use axum::extract::State;
use domain::activation::{RadarCode, TICKET_LIFE_MS};
use domain::timestamp::Timestamp;
use edge::auth::Member;
use edge::body::Body;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A code to redeem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRadarRedemption {
    /// Of the SMS: 6 digits.
    #[schema(value_type = String, min_length = 6, max_length = 6, example = "012345")]
    code: RadarCode,
}

/// A redeemed code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarRedemption {
    /// To be shown as a QR code, and followed by `POST /v1/radar/joins`.
    ticket: String,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A QR code that was followed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRadarJoin {
    /// The text of the QR code.
    #[schema(value_type = String, max_length = 64)]
    ticket: Ticket,
}

/// The radar is on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarJoin {
    /// `joined`.
    state: &'static str,
}

/// Redeem a radar code
///
/// For the member himself. Five tries, ten minutes; a code is good once.
#[utoipa::path(post, path = "/v1/radar/redemptions", tag = "organization", security(("bearer" = [])), request_body = NewRadarRedemption,
    responses((status = 201, body = RadarRedemption), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_radar_redemption(
    State(app): State<App>,
    member: Member,
    Body(typed): Body<NewRadarRedemption>,
) -> Result<(StatusCode, Json<RadarRedemption>), Problem> {
    let (flow, codes) = (app.flow(), &app.own.keys().await?.radar_codes);
    let ticket = activation::redeem(&flow, member.company(), codes, member.id(), &typed.code).await?;
    let expires_at = flow.now.plus_millis(TICKET_LIFE_MS);
    Ok((StatusCode::CREATED, Json(RadarRedemption { ticket, expires_at })))
}

/// Follow a radar QR code
///
/// For the member himself. The radar is on with the next login.
#[utoipa::path(post, path = "/v1/radar/joins", tag = "organization", security(("bearer" = [])), request_body = NewRadarJoin,
    responses((status = 201, body = RadarJoin), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_radar_join(
    State(app): State<App>,
    member: Member,
    Body(followed): Body<NewRadarJoin>,
) -> Result<(StatusCode, Json<RadarJoin>), Problem> {
    let codes = &app.own.keys().await?.radar_codes;
    let after = activation::join(&app.flow(), member.company(), codes, member.id(), &followed.ticket).await?;
    Ok((StatusCode::CREATED, Json(RadarJoin { state: after.state.name() })))
}
