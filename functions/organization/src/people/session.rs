//! `POST /v1/sessions`: exchanges a login code for a bearer token. `/anonymous`: a token before the
//! login.

use app::crm::merge::{MergeOutcome, merge_anonymous};
use app::people::claim_code::ClaimCodes;
use app::people::join::InvitationUsed;
use app::people::session::{self, LoginMethod, LoginOutcome, LoginRequest};
use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CompanyId, PersonId};
use domain::kernel::text::AppId;
use domain::kernel::timestamp::Timestamp;
use domain::people::claim_code::ClaimCode;
use domain::people::session::{DeviceLabel, RefreshClaims, device_label};
use edge::body::Body;
use edge::client::Client;
use edge::problem::{Code, Problem};
use edge::token::{self, MemberClaims};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::MemberLogin;
use utoipa::ToSchema;
use wechat::{Login, LoginCode};

use crate::App;
use crate::apps::{ChannelError, MiniProgram};
use crate::people::join::InvitationUse;
use crate::people::join_request::JoinRequestSummary;
use crate::people::login_code;
use crate::people::me::Me;
use crate::people::member::MemberBody;
use crate::people::membership::CompanyChoice;
use crate::people::merge::MergeOutcomeBody;
use crate::secrets::OwnKeys;

edge::closed_sets! {
    /// What the token is for.
    AnonymousKind = "anonymous";
}

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The app id of the mini-program.
    appid: AppId,
    /// The code of `wx.login`. It works once, for five minutes.
    code: LoginCode,
    /// The claim code, at the first login of a member. With or without hyphens.
    claim_code: Option<ClaimCode>,
    /// The last token of `POST /v1/sessions/anonymous`, until seven days after it expired. Its
    /// events then count for the person who logs in.
    #[schema(max_length = 2048)]
    anonymous_token: Option<String>,
    /// The invitation that the person accepts. Do not send it together with `claim_code`.
    invitation: Option<InvitationUse>,
    /// The refresh token of this device, if it has one. Its session is replaced by the new one.
    #[schema(max_length = 200)]
    refresh_token: Option<String>,
    /// What the list of sessions calls the device. The beginning of the header `User-Agent` if absent.
    device: Option<DeviceLabel>,
    /// One of the `companies` of an earlier session. The company of the mini-program if absent.
    company_id: Option<CompanyId>,
}

/// A session without a login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAnonymousSession {
    /// The app id of the mini-program.
    appid: AppId,
}

/// A session of a person who has not logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnonymousSession {
    /// The token for the header `Authorization: Bearer`.
    token: String,
    /// When the token expires.
    expires_at: Timestamp,
    /// What the token is for.
    #[schema(value_type = AnonymousKind)]
    kind: &'static str,
    /// The person.
    person_id: PersonId,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// The token for the header `Authorization: Bearer`.
    token: String,
    /// When the token expires: for members after five minutes, for visitors after two hours. Members
    /// refresh the session before; visitors log in again.
    expires_at: Timestamp,
    /// The token for `POST /v1/sessions/refresh`. `null` for visitors.
    refresh_token: Option<String>,
    /// Whether what the visitor does is not recorded, since they wished so with `PUT /v1/my/tracking`.
    paused: bool,
    #[serde(flatten)]
    me: Me,
    /// The result of the merge with the identity of `anonymous_token`. `null` if none was sent.
    /// After `later`, send the token again with the next login; otherwise delete it.
    merge: Option<MergeOutcomeBody>,
    /// The request to join that waits or was decided. `null` if there is none.
    join_request: Option<JoinRequestSummary>,
    /// The companies in which the person is an active member.
    companies: Vec<CompanyChoice>,
}

/// Log in with WeChat
///
/// Exchanges the code of `wx.login` for a token of the company of the mini-program, or of another
/// company in `companies`. With `claim_code` or `invitation` the person becomes a member. A failed
/// login makes the code invalid: call `wx.login` again. The login of a member begins a session, which
/// is refreshed without WeChat; a member has at most 20, and the longest unused ends. Callers:
/// everyone, without a token. Not
/// idempotent: each login needs a new code. A claim code or an invitation that was used by the same
/// person works again. Errors: 401 `login_code_invalid` when WeChat refuses the code; 403
/// `login_blocked` when WeChat blocks the person; 404 `not_found` for an unknown `appid`, or a
/// `company_id` that the person cannot choose; 409 `already_member` when the person is another
/// member; 409 `member_inactive` when a member who is disabled or has left uses an invitation; 409
/// `request_in_progress` when others use the invitation, or the member logs in on other devices, at
/// the same moment; 422
/// `claim_code_invalid`; 422 `invitation_invalid`; 422 `invitation_expired`; 422
/// `invitation_revoked`; 422 `invitation_used_up`; 429 `too_many_requests` when WeChat asks to slow
/// down; 503 `channel_not_configured` when the mini-program is not set up.
#[utoipa::path(post, path = "/v1/sessions", tag = "organization",
    extensions(("x-budgets" = json!(["sessions", "login_codes", "refused_login_codes", "code_guesses"]))), security(()), request_body = NewSession,
    responses((status = 201, body = Session)))]
pub(crate) async fn create_session(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    Body(new): Body<NewSession>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    new.check()?;
    let flow = app.flow();
    login_code::admit(&client, flow.now)?;
    // Before the code is used up; the two reads run in parallel.
    let (mini_program, keys) = app.login_keys(&new.appid, flow.now).await?;
    let who = app.exchange_code((&new.appid, &new.code), &mini_program, &client, flow.now).await?;
    let (company, device) = (mini_program.company, new.device(&headers));
    let login = session::login(&flow, new.request(keys, company, who, device)).await?;
    let tokens = Tokens::new(keys, &login, flow.now)?;
    // The anonymous token is of the mini-program that the person came through.
    let merge = match new.anonymous_token.map(|token| app.anonymous(company, &token, flow.now)) {
        Some(anonymous) => Some(merge_anonymous(&flow, company, login.came_as, anonymous).await),
        None => None,
    };
    Ok((StatusCode::CREATED, Json(Session::new(tokens, login, merge, flow.now))))
}

/// Start an anonymous session
///
/// Returns a token for the time before `wx.login` has answered, or while it fails. The token can
/// read cards and record events only. Send it as `anonymous_token` with the login: the events that
/// it recorded then count for the person who logged in. Callers: everyone, without a token. Not
/// idempotent: each call makes a new identity. Errors: 404 `not_found` for an unknown `appid`; 503
/// `channel_not_configured` when the mini-program is not set up.
#[utoipa::path(post, path = "/v1/sessions/anonymous", tag = "organization",
    extensions(("x-budgets" = json!(["anonymous_sessions", "company_anonymous_sessions"]))), security(()),
    request_body = NewAnonymousSession, responses((status = 201, body = AnonymousSession)))]
pub(crate) async fn create_anonymous_session(
    State(app): State<App>,
    client: Client,
    Body(new): Body<NewAnonymousSession>,
) -> Result<(StatusCode, Json<AnonymousSession>), Problem> {
    let flow = app.flow();
    client.spend(&[BudgetSpend::one(BudgetName::AnonymousSessions, client.address())], flow.now)?;
    let (mini_program, keys) = app.login_keys(&new.appid, flow.now).await?;
    let all = BudgetSubject::Company(mini_program.company);
    client.spend(&[BudgetSpend::one(BudgetName::CompanyAnonymousSessions, all)], flow.now)?;
    let person_id = flow.new_id()?;
    let token = keys.signer.sign_anonymous(mini_program.company, person_id, flow.now);
    let token = token.map_err(|error| Problem::of(Code::Internal).caused_by(error))?;
    let expires_at = token::expires_at(flow.now, false);
    Ok((StatusCode::CREATED, Json(AnonymousSession { token, expires_at, kind: "anonymous", person_id })))
}

impl NewSession {
    /// Rejects a login with two codes: a person joins in one way.
    fn check(&self) -> Result<(), Problem> {
        if self.claim_code.is_none() || self.invitation.is_none() {
            return Ok(());
        }
        let error = FieldError::new("not_allowed", "邀请码和邀请只能填写一个").at("/invitation");
        Err(Problem::field("", &error))
    }

    /// The login of somebody whom WeChat has confirmed.
    fn request(&self, keys: &OwnKeys, company: Company, who: Login, device: DeviceLabel) -> LoginRequest {
        let Login { openid, unionid, .. } = who;
        let (entry, chosen, before) = (self.entry(&keys.claims), self.company_id, self.before(keys));
        LoginRequest { company, openid, unionid, entry, chosen, device, before }
    }

    /// The device: as the client calls it, or as its `User-Agent` does.
    fn device(&self, headers: &HeaderMap) -> DeviceLabel {
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        self.device.clone().unwrap_or_else(|| device_label(agent))
    }

    /// What the refresh token of the device says; `None` without one, or if it is not ours.
    fn before(&self, keys: &OwnKeys) -> Option<RefreshClaims> {
        let token = self.refresh_token.as_deref()?;
        keys.refresh_tokens.verify(token).ok().map(|(_, claims)| claims)
    }

    /// The way in which the person joins.
    fn entry(&self, codes: &ClaimCodes) -> LoginMethod {
        match (&self.claim_code, &self.invitation) {
            (Some(code), _) => LoginMethod::Claim(codes.hash(code)),
            (None, Some(by)) => LoginMethod::Invitation(InvitationUsed {
                code_hash: codes.invitation_hash(&by.code),
                name: by.name.clone(),
                position: by.position.clone(),
            }),
            (None, None) => LoginMethod::Plain,
        }
    }
}

impl App {
    /// The mini-program, and the keys of this function.
    async fn login_keys(&self, appid: &AppId, now: Timestamp) -> Result<(MiniProgram, &OwnKeys), ChannelError> {
        let keys = async { Ok(self.own.keys().await?) };
        tokio::try_join!(self.apps.get(appid, now), keys)
    }

    /// The identity of an anonymous token of the company; `None` if the token is not accepted.
    fn anonymous(&self, company: Company, token: &str, now: Timestamp) -> Option<PersonId> {
        let claims = self.tokens.verify_anonymous(token, now).ok()?;
        (claims.com == company.id()).then_some(claims.sub)
    }
}

/// The tokens of a login.
struct Tokens {
    token: String,
    refresh_token: Option<String>,
}

impl Tokens {
    fn new(keys: &OwnKeys, login: &LoginOutcome, now: Timestamp) -> Result<Self, Problem> {
        let (company, person) = (login.company, login.person);
        let Some((MemberLogin { member, activation, .. }, session)) = login.member.as_ref().zip(login.session) else {
            let token = sign_visitor(keys, company, person, login.paused, now)?;
            return Ok(Self { token, refresh_token: None });
        };
        let claims = MemberClaims {
            member: member.id,
            role: member.role,
            card: member.card,
            radar: activation.is_on(member.role),
            rights: member.rights,
            session,
            logged_in_at: now,
        };
        let refresh = RefreshClaims { company: company.id(), member: member.id, person, session, counter: 0 };
        let token = sign(keys, company, person, Some(claims), now)?;
        Ok(Self { token, refresh_token: Some(keys.refresh_tokens.sign(&refresh)) })
    }
}

/// A signed token.
pub(crate) fn sign(
    keys: &OwnKeys,
    company: Company,
    person: PersonId,
    claims: Option<MemberClaims>,
    now: Timestamp,
) -> Result<String, Problem> {
    let token = keys.signer.sign(company, person, claims, now);
    token.map_err(|error| Problem::of(Code::Internal).caused_by(error))
}

/// The token of a visitor.
pub(crate) fn sign_visitor(
    keys: &OwnKeys,
    company: Company,
    person: PersonId,
    paused: bool,
    now: Timestamp,
) -> Result<String, Problem> {
    if !paused {
        return sign(keys, company, person, None, now);
    }
    let token = keys.signer.sign_paused(company, person, now);
    token.map_err(|error| Problem::of(Code::Internal).caused_by(error))
}

impl Session {
    fn new(tokens: Tokens, login: LoginOutcome, merge: Option<MergeOutcome>, now: Timestamp) -> Self {
        let member = login.member.map(|found| MemberBody::from(found.member));
        Self {
            token: tokens.token,
            expires_at: token::expires_at(now, member.is_some()),
            refresh_token: tokens.refresh_token,
            paused: login.paused,
            me: Me::new(login.person, login.profile, member),
            merge: merge.map(MergeOutcomeBody::from),
            join_request: login.join_request.map(|request| JoinRequestSummary::new(&request, now)),
            companies: login.companies.into_iter().map(CompanyChoice::from).collect(),
        }
    }
}
