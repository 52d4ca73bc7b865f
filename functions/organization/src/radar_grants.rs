//! The admin's side of radar activation: grant, send a new code, revoke, look, and the
//! company's own QR code.

use axum::Json;
use axum::extract::State;
use domain::activation::{self, Activation, RadarCode, SentCode, Step};
use domain::audit::{AuditAction, AuditEntry};
use domain::company::Company;
use domain::id::MemberId;
use domain::member::Member;
use domain::mobile::Mobile;
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::body::Body;
use edge::idempotency::Once;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Code, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{CodeSent, RadarOf};
use utoipa::{IntoParams, ToSchema};
use wechat::{SmsAccount, SmsError};

use crate::App;
use crate::audit_log::entry;
use crate::radar_joins::refused;

edge::closed_sets! {
    /// How far the activation of a member's radar is.
    ActivationState = "none" | "granted" | "redeemed" | "joined";
    /// What became of the SMS after a grant.
    GrantSms = "sent" | "failed" | "not_configured" | "not_needed";
    /// What became of the SMS with a new code.
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

/// Which grants are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RadarGrantQuery {
    /// Only members in this activation state. `none` means revoked.
    #[param(inline)]
    state: Option<Wanted>,
}

/// A state to look for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    None,
    Granted,
    Redeemed,
    Joined,
}

impl Wanted {
    fn matches(self, state: &activation::State) -> bool {
        matches!(
            (self, state),
            (Self::None, activation::State::None)
                | (Self::Granted, activation::State::Granted { .. })
                | (Self::Redeemed, activation::State::Redeemed { .. })
                | (Self::Joined, activation::State::Joined { .. })
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

/// Grant a member the radar
///
/// Allows a member to activate their radar and sends one SMS with a code. If the radar is already
/// granted, it changes nothing and sends nothing. The grant stands if the SMS fails: `sms` tells.
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers; 409
/// `member_inactive` when the member is disabled or has left; 409 `request_in_progress` when the
/// activation is changed at the same moment; 429 `radar_code_limit` when too many codes were sent.
#[utoipa::path(put, path = "/v1/members/{member_id}/radar", tag = "organization", request_body = RadarGrant,
    responses((status = 200, body = RadarGranted)))]
pub(crate) async fn grant_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
    Body(grant): Body<RadarGrant>,
) -> Result<Json<RadarGranted>, Problem> {
    let (company, now) = (admin.company(), app.clock.now());
    let RadarOf { member: found, activation: before, .. } = app.store.radar_of(company, member, None).await?;
    still_here(&found)?;
    let draft = Draft::new(&app, member, now).await?;
    let after = before.after(Step::Grant(grant.phone, draft.kept()), now).map_err(refused)?;
    if after == before {
        return Ok(Json(RadarGranted { radar: after.into(), sms: "not_needed" }));
    }
    let audit = told(&app, &admin, AuditAction::RadarGranted, &before, &after)?;
    app.store.change_activation_of(company, &after, &audit).await?;
    match draft.send(&app, &after, now).await {
        Ok(sms) => Ok(Json(RadarGranted { radar: after.into(), sms })),
        Err(_) => {
            let after = take_back(&app, company, after, now).await;
            Ok(Json(RadarGranted { radar: after.into(), sms: "failed" }))
        }
    }
}

/// Refuses a radar for somebody who was disabled or has left.
fn still_here(member: &Member) -> Result<(), Problem> {
    if member.ended.is_none() { Ok(()) } else { Err(Problem::of(Code::MemberInactive)) }
}

/// Send a new radar code
///
/// Sends a new code by SMS; it replaces the code before. At most one code a minute, five an hour
/// and ten a day for each member. Callers: admins and the boss. Idempotent by `Idempotency-Key`.
/// Errors: 403 `role_required` for other callers; 409 `member_inactive` when the member is disabled
/// or has left; 409 `radar_not_granted` before the radar is granted; 409 `radar_active` when the
/// radar is on already; 409 `request_in_progress` when the activation is changed at the same
/// moment; 429 `radar_code_limit` when too many codes were sent; 503 `unavailable` when the SMS
/// cannot be sent.
#[utoipa::path(post, path = "/v1/members/{member_id}/radar/codes", tag = "organization",
    request_body = NewRadarCode, params(IdempotencyKey), responses((status = 201, body = RadarCodeSent)))]
pub(crate) async fn create_radar_code(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
    once: Once<NewRadarCode>,
) -> Result<(StatusCode, Json<RadarCodeSent>), Problem> {
    let (_, request) = once.of(&admin);
    let (company, now) = (admin.company(), app.clock.now());
    let found = app.store.radar_of(company, member, Some((&request, now))).await?;
    still_here(&found.member)?;
    if let Some(before) = found.before {
        return Ok((StatusCode::CREATED, Json(code_sent(member, before))));
    }
    let draft = Draft::new(&app, member, now).await?;
    let after = found.activation.after(Step::Resend(draft.kept()), now).map_err(refused)?;
    let own = CodeSent { nonce: draft.nonce().to_owned(), at: now };
    let audit = told(&app, &admin, AuditAction::RadarCode, &found.activation, &after)?;
    let sent = app.store.replace_code(company, &after, own.clone(), &request, &audit).await?;
    // A parallel retry that came first has sent the code itself.
    if sent == own
        && let Err(error) = draft.send(&app, &after, now).await
    {
        if let Ok(after) = after.after(Step::SendFailed(own.nonce), now) {
            app.store.take_code_back(company, &after, &request).await?;
        }
        return Err(Problem::of(Code::Unavailable).caused_by(error));
    }
    Ok((StatusCode::CREATED, Json(code_sent(member, sent))))
}

/// Revoke a member's radar
///
/// Takes the grant away. The radar is off from the member's next login, at the latest after two
/// hours. Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers;
/// 409 `request_in_progress` when the activation is changed at the same moment.
#[utoipa::path(delete, path = "/v1/members/{member_id}/radar", tag = "organization",
    responses((status = 200, body = RadarBody)))]
pub(crate) async fn revoke_radar(
    State(app): State<App>,
    admin: Admin,
    PathId(member): PathId<MemberId>,
) -> Result<Json<RadarBody>, Problem> {
    let RadarOf { activation: before, .. } = app.store.radar_of(admin.company(), member, None).await?;
    let after = before.after(Step::Revoke, app.clock.now()).map_err(refused)?;
    if after != before {
        let audit = told(&app, &admin, AuditAction::RadarRevoked, &before, &after)?;
        app.store.change_activation_of(admin.company(), &after, &audit).await?;
    }
    Ok(Json(after.into()))
}

/// Get a member's radar activation state
///
/// Returns how far the activation is: granted, code redeemed, or on. Callers: admins and the boss.
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

/// The entry of a step; phones and codes are not told.
fn told(
    app: &App,
    admin: &Admin,
    action: AuditAction,
    from: &Activation,
    to: &Activation,
) -> Result<AuditEntry, Problem> {
    entry(app, admin.audit_actor(), action, to.member.to_string(), from.state.name(), to.state.name())
}

/// A code to send, unless the channel is off.
struct Draft(Option<(SmsAccount, RadarCode, SentCode)>);

impl Draft {
    async fn new(app: &App, member: MemberId, now: Timestamp) -> Result<Self, Problem> {
        let Some(account) = app.sms.account(now).await? else { return Ok(Self(None)) };
        let (code, kept) = app.own.keys().await?.radar_codes.fresh(&app.ids, member, now)?;
        Ok(Self(Some((account, code, kept))))
    }

    fn kept(&self) -> Option<SentCode> {
        self.0.as_ref().map(|(_, _, kept)| kept.clone())
    }

    fn nonce(&self) -> &str {
        self.0.as_ref().map_or("", |(_, _, kept)| &kept.nonce)
    }

    /// Sends it, after it was stored: a code nobody can redeem would be worse than none.
    async fn send(&self, app: &App, to: &Activation, now: Timestamp) -> Result<&'static str, SmsError> {
        let (Some((account, code, _)), Some(mobile)) = (&self.0, &to.mobile) else { return Ok("not_configured") };
        let sent = app.sms.send(account, mobile, code, now).await;
        // The error holds neither number nor code.
        sent.map(|()| "sent").inspect_err(|error| tracing::warn!(%error, "a radar code was not sent"))
    }
}

/// The activation without the code that was not sent. The grant stands; if even this
/// write fails, the code that nobody knows expires by itself.
async fn take_back(app: &App, company: Company, granted: Activation, now: Timestamp) -> Activation {
    let nonce = granted.code().map(|code| code.nonce.clone()).unwrap_or_default();
    let Ok(after) = granted.after(Step::SendFailed(nonce), now) else { return granted };
    match app.store.change_activation(company, &after).await {
        Ok(()) => after,
        Err(_) => granted,
    }
}

fn code_sent(member: MemberId, sent: CodeSent) -> RadarCodeSent {
    if sent.nonce.is_empty() {
        return RadarCodeSent { member_id: member, sms: "not_configured", sent_at: None };
    }
    RadarCodeSent { member_id: member, sms: "sent", sent_at: Some(sent.at) }
}
