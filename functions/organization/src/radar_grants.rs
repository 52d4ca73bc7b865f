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
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Code, Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{CodeSent, RadarOf};
use utoipa::{IntoParams, ToSchema};
use wechat::{SmsAccount, SmsError};

use crate::App;
use crate::audit_log::entry;
use crate::radar_joins::refused;

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
/// It is off from the member's next login on, within two hours.
#[utoipa::path(delete, path = "/v1/members/{member_id}/radar", tag = "organization", security(("bearer" = [])), params(("member_id" = String, Path)),
    responses((status = 200, body = RadarBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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
