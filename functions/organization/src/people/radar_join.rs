//! The member's side of radar activation: redeem the code, scan the QR code.

use app::people::activation;
use app::people::radar_code::Ticket;
use axum::Json;
use axum::extract::State;
use domain::kernel::timestamp::Timestamp;
use domain::people::activation::{RadarCode, TICKET_LIFE_MS};
use edge::auth::Staff;
use edge::body::Body;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

edge::closed_sets! {
    /// The state after a QR code was used.
    JoinedState = "joined";
}

/// A radar code to redeem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRadarRedemption {
    /// The code in the SMS, 6 digits.
    code: RadarCode,
}

/// The ticket for a redeemed radar code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarRedemption {
    /// The text of a QR code. Send it to `POST /v1/radar/joins`.
    ticket: String,
    /// When the ticket expires.
    expires_at: Timestamp,
}

/// The ticket in a QR code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRadarJoin {
    /// The text of the QR code.
    ticket: Ticket,
}

/// The activation state after a QR code was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarJoin {
    /// The activation state.
    #[schema(value_type = JoinedState)]
    state: &'static str,
}

/// Redeem a radar code
///
/// Exchanges the code of the SMS for a ticket. A code is valid for ten minutes and five tries, and
/// can be redeemed once. Callers: members, for themselves. Not idempotent: each wrong code uses one
/// try. Errors: 403 `role_required` for visitors; 409 `request_in_progress` when the activation is
/// changed at the same moment; 422 `radar_code_wrong` when the code is wrong or none was sent; 422
/// `radar_code_expired` after ten minutes; 422 `radar_code_blocked` after five wrong tries; 422
/// `radar_code_used` when it was redeemed before.
#[utoipa::path(post, path = "/v1/radar/redemptions", tag = "organization",
    extensions(("x-budgets" = json!(["code_guesses"]))), request_body = NewRadarRedemption,
    responses((status = 201, body = RadarRedemption)))]
pub(crate) async fn create_radar_redemption(
    State(app): State<App>,
    member: Staff,
    Body(typed): Body<NewRadarRedemption>,
) -> Result<(StatusCode, Json<RadarRedemption>), Problem> {
    let (flow, codes) = (app.flow(), &app.own.keys().await?.radar_codes);
    let ticket = activation::redeem(&flow, member.company(), codes, member.id(), &typed.code).await?;
    let expires_at = flow.now.plus_millis(TICKET_LIFE_MS);
    Ok((StatusCode::CREATED, Json(RadarRedemption { ticket, expires_at })))
}

/// Turn on my radar
///
/// Turns the radar on with the text of a QR code: the ticket of a redeemed code, or the QR code of
/// the company. It is on from the next login. Callers: members, for themselves. Idempotent. Errors:
/// 403 `role_required` for visitors; 403 `radar_not_active` when the radar was not granted; 409
/// `request_in_progress` when the activation is changed at the same moment; 422
/// `radar_ticket_invalid` for a wrong or expired ticket.
#[utoipa::path(post, path = "/v1/radar/joins", tag = "organization", request_body = NewRadarJoin,
    responses((status = 201, body = RadarJoin)))]
pub(crate) async fn create_radar_join(
    State(app): State<App>,
    member: Staff,
    Body(followed): Body<NewRadarJoin>,
) -> Result<(StatusCode, Json<RadarJoin>), Problem> {
    let codes = &app.own.keys().await?.radar_codes;
    let after = activation::join(&app.flow(), member.company(), codes, member.id(), &followed.ticket).await?;
    Ok((StatusCode::CREATED, Json(RadarJoin { state: after.state.name() })))
}
