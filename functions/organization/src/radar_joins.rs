//! The member's side of radar activation: redeem the code, follow the QR code.

use axum::Json;
use axum::extract::State;
use domain::activation::{self, RadarCode, Refusal, Step};
use domain::timestamp::Timestamp;
use edge::auth::Caller;
use edge::body::Body;
use edge::problem::{Code, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::radar_codes::Ticket;

edge::closed_sets! {
    /// The state after a QR code was followed.
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

/// The activation state after a QR code.
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
#[utoipa::path(post, path = "/v1/radar/redemptions", tag = "organization", request_body = NewRadarRedemption,
    responses((status = 201, body = RadarRedemption)))]
pub(crate) async fn create_radar_redemption(
    State(app): State<App>,
    caller: Caller,
    Body(typed): Body<NewRadarRedemption>,
) -> Result<(StatusCode, Json<RadarRedemption>), Problem> {
    let (member, now) = (caller.require_member()?, app.clock.now());
    let codes = &app.own.keys().await?.radar_codes;
    let before = app.store.activation(caller.company(), member).await?;
    let right = codes.is_right(&before, &typed.code);
    let after = before.after(Step::Redeem { right }, now).map_err(refused)?;
    // A try counts before it is answered: of two at the same time one learns nothing.
    app.store.change_activation(caller.company(), &after).await?;
    let ticket = codes.ticket(&after).ok_or_else(|| Problem::of(Code::RadarCodeWrong))?;
    let expires_at = now.plus_millis(activation::TICKET_LIFE_MS);
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
    caller: Caller,
    Body(followed): Body<NewRadarJoin>,
) -> Result<(StatusCode, Json<RadarJoin>), Problem> {
    let (member, company) = (caller.require_member()?, caller.company());
    let codes = &app.own.keys().await?.radar_codes;
    let before = app.store.activation(company, member).await?;
    let after = match codes.entry(company, &before, &followed.ticket) {
        Some(entry) => before.after(Step::Join(entry), app.clock.now()).map_err(not_joined)?,
        // Followed before: the answer was lost on its way.
        None if matches!(before.state, activation::State::Joined { .. }) => before.clone(),
        None => return Err(Problem::of(Code::RadarTicketInvalid)),
    };
    if after != before {
        app.store.change_activation(company, &after).await?;
    }
    Ok((StatusCode::CREATED, Json(RadarJoin { state: after.state.name() })))
}

/// To the member himself, a radar that was not granted is off.
fn not_joined(refusal: Refusal) -> Problem {
    if refusal == Refusal::NotGranted { Problem::of(Code::RadarNotActive) } else { refused(refusal) }
}

/// How a step that is not possible is answered.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    Problem::of(match refusal {
        Refusal::NotGranted => Code::RadarNotGranted,
        Refusal::Joined => Code::RadarActive,
        Refusal::TooManyCodes => Code::RadarCodeLimit,
        Refusal::NoCode => Code::RadarCodeWrong,
        Refusal::CodeExpired => Code::RadarCodeExpired,
        Refusal::CodeDead => Code::RadarCodeBlocked,
        Refusal::CodeUsed => Code::RadarCodeUsed,
        Refusal::Ticket => Code::RadarTicketInvalid,
    })
}
