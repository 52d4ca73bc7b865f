//! The admin's side of radar activation: grant, send a new code, revoke, read the state, and the
//! company's own QR code.

use app::people::activation::{self, SmsOutcome};
use axum::Json;
use axum::extract::State;
use domain::kernel::id::MemberId;
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::Timestamp;
use domain::people::activation::{self as stages, Activation, SentCode};
use edge::auth::Admin;
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{CodeSent, RadarOf};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::people::member::head;

edge::closed_sets! {
    /// The activation state of a member's radar.
    ActivationState = "none" | "granted" | "redeemed" | "joined";
    /// The result of the SMS after a grant.
    GrantSms = "sent" | "failed" | "not_configured" | "not_needed";
    /// The result of the SMS with a new code.
    CodeSms = "sent" | "not_configured";
}

/// A radar grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RadarGrant {
    /// The phone number that gets the code: E.164, or a number of mainland China without `+86`.
    phone: Mobile,
}

/// An empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRadarCode {}

/// The activation state of a member's radar.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarBody {
    /// The member.
    member_id: MemberId,
    /// The activation state: `none` (not granted, or revoked), `granted`, `redeemed` (code
    /// redeemed) or `joined` (on).
    #[schema(value_type = ActivationState)]
    state: &'static str,
    /// The phone number with its middle digits hidden. `null` if the radar is not granted.
    #[schema(example = "+86138****8000")]
    phone: Option<String>,
    /// When the current code was sent. `null` if no code is valid.
    sent_at: Option<Timestamp>,
    /// When the current code expires. `null` if no code is valid.
    expires_at: Option<Timestamp>,
    /// How many tries the current code has left. `null` if no code is valid.
    tries_left: Option<u32>,
}

/// The filter of the list of grants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RadarGrantQuery {
    /// Only members in this activation state. `none` means revoked.
    #[param(inline)]
    state: Option<GrantFilter>,
}

/// A state to look for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum GrantFilter {
    None,
    Granted,
    Redeemed,
    Joined,
}

impl GrantFilter {
    fn matches(self, state: &stages::ActivationState) -> bool {
        matches!(
            (self, state),
            (Self::None, stages::ActivationState::None)
                | (Self::Granted, stages::ActivationState::Granted { .. })
                | (Self::Redeemed, stages::ActivationState::Redeemed { .. })
                | (Self::Joined, stages::ActivationState::Joined { .. })
        )
    }
}

/// The activation state and the result of the SMS.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarGranted {
    #[serde(flatten)]
    radar: RadarBody,
    /// The result of the SMS. `not_needed` if the radar was already granted.
    #[schema(value_type = GrantSms)]
    sms: &'static str,
}

/// The result of a new radar code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarCodeSent {
    /// The member.
    member_id: MemberId,
    /// The result of the SMS.
    #[schema(value_type = CodeSms)]
    sms: &'static str,
    /// When the code was sent. `null` if none was sent.
    sent_at: Option<Timestamp>,
}

/// A QR code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarQr {
    /// The text of the QR code.
    ticket: String,
}

impl From<Activation> for RadarBody {
    fn from(activation: Activation) -> Self {
        let code = activation.code();
        Self {
            member_id: activation.member,
            state: activation.state.name(),
            phone: activation.mobile.as_ref().map(Mobile::masked),
            sent_at: code.map(|code| code.sent_at),
            expires_at: code.map(SentCode::expires_at),
            tries_left: code.map(|code| code.tries_left),
        }
    }
}

impl RadarCodeSent {
    fn new(member_id: MemberId, CodeSent { nonce, at }: CodeSent) -> Self {
        // Without a code no SMS was sent.
        if nonce.is_empty() {
            return Self { member_id, sms: SmsOutcome::NotConfigured.name(), sent_at: None };
        }
        Self { member_id, sms: SmsOutcome::Sent.name(), sent_at: Some(at) }
    }
}

/// Grant a member the radar
///
/// Allows a member to activate their radar and sends one SMS with a code. If the radar is already
/// granted, it changes nothing and sends nothing. The grant stays valid if the SMS fails, and if the
/// number or the company has got as many messages as it may; `sms` shows the result. Admins grant it to staff; the boss grants it to everybody. Callers: admins and
/// the boss. Idempotent. Errors: 403 `role_required` for other callers, and for an admin, if the
/// member is no staff; 409 `member_inactive` when the member is disabled or has left; 409
/// `request_in_progress` when the activation is changed at the same moment; 422
/// `sms_country_not_allowed` when no SMS is sent to the country of the number; 429
/// `radar_code_limit` when too many codes were sent.
#[utoipa::path(put, path = "/v1/members/{member_id}/radar", tag = "organization",
    request_body = RadarGrant, responses((status = 200, body = RadarGranted)))]
pub(crate) async fn grant_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
    Body(grant): Body<RadarGrant>,
) -> Result<Json<RadarGranted>, Problem> {
    let (flow, to) = (app.flow(), (member, grant.phone));
    let (radar, sms) = activation::grant(&flow, admin.company(), head(admin), &app, to).await?;
    Ok(Json(RadarGranted { radar: radar.into(), sms: sms.name() }))
}

/// Send a new radar code
///
/// Sends a new code by SMS; it replaces the code before. At most one code a minute, five an hour
/// and ten a day for each member. Admins send codes to staff; the boss sends them to everybody.
/// Callers: admins and the boss. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for
/// other callers, and for an admin, if the member is no staff; 409 `member_inactive` when the member
/// is disabled or has left; 409 `radar_not_granted` before the radar is granted; 409 `radar_active` when the
/// radar is on already; 409 `request_in_progress` when the activation is changed at the same
/// moment; 422 `sms_country_not_allowed` when no SMS is sent to the country of the number; 429
/// `radar_code_limit` when too many codes were sent; 503 `unavailable` when the SMS
/// cannot be sent.
#[utoipa::path(post, path = "/v1/members/{member_id}/radar/codes", tag = "organization",
    extensions(("x-budgets" = json!(["sms_number", "sms"]))),
    request_body = NewRadarCode, params(IdempotencyKey), responses((status = 201, body = RadarCodeSent)))]
pub(crate) async fn create_radar_code(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
    once: IdempotentRequest<NewRadarCode>,
) -> Result<(StatusCode, Json<RadarCodeSent>), Problem> {
    let (_, request) = once.of(&admin);
    let (flow, by) = (app.flow(), head(admin));
    let sent = activation::send_code(&flow, admin.company(), by, &app, member, &request).await?;
    Ok((StatusCode::CREATED, Json(RadarCodeSent::new(member, sent))))
}

/// Revoke a member's radar
///
/// Removes the grant. The radar is off at once: the member's tokens end, and their open sockets of
/// the live radar are closed. Admins revoke it from staff; the boss revokes it from everybody.
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers, and for
/// an admin, if the member is no staff; 409 `request_in_progress` when the activation is changed at
/// the same moment.
#[utoipa::path(delete, path = "/v1/members/{member_id}/radar", tag = "organization",
    responses((status = 200, body = RadarBody)))]
pub(crate) async fn revoke_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
) -> Result<Json<RadarBody>, Problem> {
    let after = activation::revoke(&app.flow(), admin.company(), head(admin), member).await?;
    Ok(Json(after.into()))
}

/// Get a member's radar activation state
///
/// Returns the activation state: granted, code redeemed, or on. Callers: admins and the boss.
/// Idempotent. Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/members/{member_id}/radar", tag = "organization",
    responses((status = 200, body = RadarBody)))]
pub(crate) async fn get_member_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
) -> Result<Json<RadarBody>, Problem> {
    let RadarOf { activation, .. } = app.store.radar_of(admin.company(), member, None).await?;
    Ok(Json(activation.into()))
}

/// List radar grants
///
/// Lists all members who were ever granted the radar, the first added first. A page with a filter
/// can be short without being the last: continue while `next_cursor` is not null. Callers: admins
/// and the boss. Idempotent. Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/radar-grants", tag = "organization", params(PageParams, RadarGrantQuery),
    responses((status = 200, body = PageBody<RadarBody>)))]
pub(crate) async fn list_radar_grants(
    State(app): State<App>,
    admin: Admin,
    paging: Paging<RadarGrantQuery>,
) -> Result<Json<PageBody<RadarBody>>, Problem> {
    let page = app.store.list_activations(admin.company(), paging.position()?, paging.limit).await?;
    let wanted = |found: &Activation| paging.filter.state.is_none_or(|wanted| wanted.matches(&found.state));
    let items = page.items.into_iter().filter(wanted).map(RadarBody::from).collect();
    Ok(Json(paging.page(items, page.next)))
}

/// Get the company's radar QR code
///
/// Returns the text of a QR code for members who were granted the radar and got no SMS. It does not
/// work for other people. Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for
/// other callers.
#[utoipa::path(get, path = "/v1/radar-qr", tag = "organization", responses((status = 200, body = RadarQr)))]
pub(crate) async fn get_radar_qr(State(app): State<App>, admin: Admin) -> Result<Json<RadarQr>, Problem> {
    let keys = app.own.keys().await?;
    Ok(Json(RadarQr { ticket: keys.radar_codes.company_ticket(admin.company()) }))
}
