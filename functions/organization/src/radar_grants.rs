//! The admin's side of radar activation: grant, send a new code, revoke, look, and the
//! company's own QR code.

use app::people::activation::{self, SmsOutcome};
use axum::Json;
use axum::extract::State;
use domain::activation::{self as stages, Activation, SentCode};
use domain::id::MemberId;
use domain::mobile::Mobile;
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::body::Body;
use edge::idempotency::Once;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{CodeSent, RadarOf};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// A grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RadarGrant {
    /// Where the code is sent: E.164, or a mainland number without `+86`.
    #[schema(value_type = String, max_length = 20, example = "+8613800138000")]
    phone: Mobile,
}

/// Nothing needs to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRadarCode {}

/// How far a member's radar is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarBody {
    #[schema(value_type = String)]
    member_id: MemberId,
    /// `none`, `granted`, `redeemed` or `joined`.
    state: &'static str,
    /// Masked.
    #[schema(example = "+86138****8000")]
    phone: Option<String>,
    /// When the code that counts was sent; `null` when none counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    /// Until when it can be redeemed.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// How often it may still be tried.
    tries_left: Option<u32>,
}

/// Which grants are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RadarGrantQuery {
    /// Only those in this state: `none` (revoked), `granted`, `redeemed` or `joined`.
    #[param(value_type = Option<String>)]
    state: Option<Wanted>,
}

/// A state to look for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    None,
    Granted,
    Redeemed,
    Joined,
}

impl Wanted {
    fn matches(self, state: &stages::State) -> bool {
        matches!(
            (self, state),
            (Self::None, stages::State::None)
                | (Self::Granted, stages::State::Granted { .. })
                | (Self::Redeemed, stages::State::Redeemed { .. })
                | (Self::Joined, stages::State::Joined { .. })
        )
    }
}

/// A member's radar, and what became of the SMS.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarGranted {
    #[serde(flatten)]
    radar: RadarBody,
    /// `sent`, `failed`, `not_configured`, or `not_needed` when the radar was granted before.
    sms: &'static str,
}

/// A new code on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RadarCodeSent {
    #[schema(value_type = String)]
    member_id: MemberId,
    /// `sent` or `not_configured`.
    sms: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
}

/// What a QR code holds.
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
        // Without a code nothing was sent.
        if nonce.is_empty() {
            return Self { member_id, sms: SmsOutcome::NotConfigured.name(), sent_at: None };
        }
        Self { member_id, sms: SmsOutcome::Sent.name(), sent_at: Some(at) }
    }
}

/// Grant a member the radar
///
/// Sends one SMS with a code. Granting again changes nothing and sends nothing.
#[utoipa::path(put, path = "/v1/members/{member_id}/radar", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)), request_body = RadarGrant,
    responses((status = 200, body = RadarGranted), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn grant_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
    Body(grant): Body<RadarGrant>,
) -> Result<Json<RadarGranted>, Problem> {
    let (flow, to) = (app.flow(), (member, grant.phone));
    let (radar, sms) = activation::grant(&flow, admin.company(), admin.member(), &app, to).await?;
    Ok(Json(RadarGranted { radar: radar.into(), sms: sms.name() }))
}

/// Send a new radar code
///
/// It replaces the one before. At most one a minute, five an hour and ten a day.
#[utoipa::path(post, path = "/v1/members/{member_id}/radar/codes", tag = "organization", security(("bearer" = [])), request_body = NewRadarCode,
    params(("member_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RadarCodeSent), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_radar_code(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
    once: Once<NewRadarCode>,
) -> Result<(StatusCode, Json<RadarCodeSent>), Problem> {
    let (_, request) = once.of(&admin);
    let (flow, by) = (app.flow(), admin.member());
    let sent = activation::send_code(&flow, admin.company(), by, &app, member, &request).await?;
    Ok((StatusCode::CREATED, Json(RadarCodeSent::new(member, sent))))
}

/// Revoke a member's radar
///
/// It is off from the member's next login on, within two hours.
#[utoipa::path(delete, path = "/v1/members/{member_id}/radar", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    responses((status = 200, body = RadarBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn revoke_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
) -> Result<Json<RadarBody>, Problem> {
    let after = activation::revoke(&app.flow(), admin.company(), admin.member(), member).await?;
    Ok(Json(after.into()))
}

/// How far a member's radar is
#[utoipa::path(get, path = "/v1/members/{member_id}/radar", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    responses((status = 200, body = RadarBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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
/// All members for whom the radar was ever granted, the first added first. With a
/// filter a page may be short and not the last: go on while there is a `next_cursor`.
#[utoipa::path(get, path = "/v1/radar-grants", tag = "organization", security(("bearer" = [])), params(PageParams, RadarGrantQuery),
    responses((status = 200, body = PageBody<RadarBody>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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

/// The company's QR code
///
/// For a member who was granted the radar and got no SMS. It opens nothing for others.
#[utoipa::path(get, path = "/v1/radar-qr", tag = "organization", security(("bearer" = [])),
    responses((status = 200, body = RadarQr), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_radar_qr(State(app): State<App>, admin: Admin) -> Result<Json<RadarQr>, Problem> {
    let keys = app.own.keys().await?;
    Ok(Json(RadarQr { ticket: keys.radar_codes.company_ticket(admin.company()) }))
}
