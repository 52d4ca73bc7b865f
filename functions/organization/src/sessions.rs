//! `POST /v1/sessions`: a login code becomes a bearer token. Before, `/anonymous`.

use axum::Json;
use axum::extract::State;
use domain::claim::ClaimCode;
use domain::company::{Company, Person};
use domain::id::{MemberId, PersonId};
use domain::member::MemberStatus;
use domain::text::{AppId, OpenId};
use domain::timestamp::Timestamp;
use edge::body::Body;
use edge::problem::{Code, Problem, ProblemBody};
use edge::token;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{Claimed, Claiming};
use utoipa::ToSchema;
use wechat::{LoginCode, WeChatError};

use crate::App;
use crate::me::Me;
use crate::members::{MemberBody, fresh};
use crate::merges::{MergeOutcome, merge_anonymous};

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The mini-program.
    #[schema(value_type = String, max_length = 32)]
    appid: AppId,
    /// What `wx.login` gave: single use, five minutes.
    #[schema(value_type = String, max_length = 128)]
    code: LoginCode,
    /// At a member's first login: the code he was given.
    #[schema(value_type = Option<String>, example = "0123-4567-89ab-cdef")]
    claim_code: Option<ClaimCode>,
    /// Who he was before he logged in: the last token of `POST /v1/sessions/anonymous`,
    /// at most seven days after its end.
    #[schema(max_length = 2048)]
    anonymous_token: Option<String>,
}

/// Somebody who has not logged in yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAnonymousSession {
    /// The mini-program.
    #[schema(value_type = String, max_length = 32)]
    appid: AppId,
}

/// A session of somebody who has not logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnonymousSession {
    /// For `Authorization: Bearer`.
    token: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// `anonymous`.
    kind: &'static str,
    #[schema(value_type = String)]
    person_id: PersonId,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// For `Authorization: Bearer`.
    token: String,
    /// When to log in again.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[serde(flatten)]
    me: Me,
    /// What came of the `anonymous_token`; `null` when none was sent. After `later`, send
    /// it again with the next login; after the others, forget it.
    merge: Option<MergeOutcome>,
}

/// Log in
///
/// A failed login uses up the code: call `wx.login` again.
#[utoipa::path(post, path = "/v1/sessions", tag = "organization", security(()), request_body = NewSession,
    responses((status = 201, body = Session), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_session(
    State(app): State<App>,
    Body(new): Body<NewSession>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let now = app.clock.now();
    let mini_program = app.apps.get(&new.appid, now).await?;
    let openid = app
        .wechat
        .code_to_session(&new.appid, &mini_program.secret, &new.code)
        .await
        .map_err(|error| refused(error, Code::LoginCodeInvalid))?;
    let company = mini_program.company;
    let person = app.store.sign_in(company, &openid, fresh(&app, now)?, now).await?;
    let member = membership(&app, company, person, &openid, new.claim_code.as_ref(), now).await?;
    let (profile, found) = app.store.company_member_and_activation(company, member).await?;
    // Who was disabled or has left is a visitor.
    let found = found.filter(|(member, _)| member.status() == MemberStatus::Active);
    let radar = found.as_ref().is_some_and(|(member, activation)| activation.is_on(member.role));
    let member = found.map(|(member, _)| member);
    let claims = member.as_ref().map(|member| (member.id, member.role, member.card));
    let token = app
        .signer
        .sign(company, person.id, claims, radar, now)
        .map_err(|error| Problem::of(Code::Internal).caused_by(error))?;
    let me = Me::new(person.id, profile, member.map(MemberBody::from));
    let merge = match new.anonymous_token {
        Some(before) => Some(merge_anonymous(&app, company, person.id, &before, now).await),
        None => None,
    };
    Ok((StatusCode::CREATED, Json(Session { token, expires_at: token::expires_at(now), me, merge })))
}

/// Begin without a login
///
/// For what happens before `wx.login` has answered, or while it fails: the token reads
/// cards and records events, and nothing else. Log in with it as `anonymous_token`, and
/// what it recorded counts as done by who logged in.
#[utoipa::path(post, path = "/v1/sessions/anonymous", tag = "organization", security(()), request_body = NewAnonymousSession,
    responses((status = 201, body = AnonymousSession), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_anonymous_session(
    State(app): State<App>,
    Body(new): Body<NewAnonymousSession>,
) -> Result<(StatusCode, Json<AnonymousSession>), Problem> {
    let now = app.clock.now();
    let company = app.apps.get(&new.appid, now).await?.company;
    let person_id = fresh(&app, now)?;
    let token = app.signer.sign_anonymous(company, person_id, now);
    let token = token.map_err(|error| Problem::of(Code::Internal).caused_by(error))?;
    let expires_at = token::expires_at(now);
    Ok((StatusCode::CREATED, Json(AnonymousSession { token, expires_at, kind: "anonymous", person_id })))
}

/// The membership he has, or claims now.
async fn membership(
    app: &App,
    company: Company,
    person: Person,
    openid: &OpenId,
    code: Option<&ClaimCode>,
    now: Timestamp,
) -> Result<Option<MemberId>, Problem> {
    let Some(code) = code else { return Ok(person.member) };
    let hash = app.claims.hash(code);
    match app.store.claim_membership(company, Claiming { person, openid, hash: &hash, now }).await? {
        Claimed::Member(member) => Ok(Some(member)),
        Claimed::Refused => Err(Problem::of(Code::ClaimCodeInvalid)),
        Claimed::OtherMember => Err(Problem::of(Code::AlreadyMember)),
    }
}

/// How a refusal of WeChat is answered; `code_invalid` when it is the code that is bad.
pub(crate) fn refused(error: WeChatError, code_invalid: Code) -> Problem {
    let code = match error {
        WeChatError::CodeInvalid(_) => code_invalid,
        WeChatError::Blocked => Code::LoginBlocked,
        WeChatError::TooMany(_) => Code::TooManyRequests,
        WeChatError::Misconfigured(_) => Code::ChannelNotConfigured,
        WeChatError::Busy | WeChatError::TokenRefused(_) | WeChatError::Unavailable(_) => Code::Unavailable,
    };
    Problem::of(code).caused_by(error)
}
