//! `POST /v1/sessions`: a login code becomes a bearer token. Before, `/anonymous`.

use axum::Json;
use axum::extract::State;
use domain::claim::ClaimCode;
use domain::company::{Company, Person};
use domain::field::FieldError;
use domain::id::{CompanyId, PersonId};
use domain::text::AppId;
use domain::timestamp::Timestamp;
use edge::body::Body;
use edge::problem::{Code, Problem};
use edge::token;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{Arrival, Claimed, Claiming};
use utoipa::ToSchema;
use wechat::{Login, LoginCode, WeChatError};

use crate::App;
use crate::join_requests::JoinRequestSummary;
use crate::joins::{InvitationUse, join};
use crate::me::Me;
use crate::members::{MemberBody, fresh};
use crate::memberships::{CompanyChoice, Entered, Visit, enter};
use crate::merges::{MergeOutcome, merge_anonymous};

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
    /// The invitation by which the person joins. Do not send it together with `claim_code`.
    invitation: Option<InvitationUse>,
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
    /// When the token expires. Log in again before.
    expires_at: Timestamp,
    #[serde(flatten)]
    me: Me,
    /// The result of the merge with the identity of `anonymous_token`. `null` if none was sent.
    /// After `later`, send the token again with the next login; otherwise delete it.
    merge: Option<MergeOutcome>,
    /// The request to join that waits or was decided. `null` if there is none.
    join_request: Option<JoinRequestSummary>,
    /// The companies in which the person is an active member.
    companies: Vec<CompanyChoice>,
}

/// Log in with WeChat
///
/// Exchanges the code of `wx.login` for a token of the company of the mini-program, or of another
/// company in `companies`. With `claim_code` or `invitation` the person becomes a member. A failed
/// login uses the code up: call `wx.login` again. Callers: everyone, without a token. Not
/// idempotent: each login needs a new code. A claim code or an invitation that was used by the same
/// person works again. Errors: 401 `login_code_invalid` when WeChat refuses the code; 403
/// `login_blocked` when WeChat blocks the person; 404 `not_found` for an unknown `appid`, or a
/// `company_id` that the person cannot choose; 409 `already_member` when the person is another
/// member; 409 `member_inactive` when a member who is disabled or has left uses an invitation; 409
/// `request_in_progress` when others use the invitation at the same moment; 422
/// `claim_code_invalid`; 422 `invitation_invalid`; 422 `invitation_expired`; 422
/// `invitation_revoked`; 422 `invitation_used_up`; 429 `too_many_requests` when WeChat asks to slow
/// down; 503 `channel_not_configured` when the mini-program is not set up.
#[utoipa::path(post, path = "/v1/sessions", tag = "organization", security(()), request_body = NewSession,
    responses((status = 201, body = Session)))]
pub(crate) async fn create_session(
    State(app): State<App>,
    Body(new): Body<NewSession>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let entry = new.entry()?;
    let now = app.clock.now();
    // Before the code is used up, and neither waits for the other.
    let (mini_program, keys) = tokio::try_join!(app.apps.get(&new.appid, now), app.own.keys())?;
    let login = app
        .wechat
        .code_to_session(&new.appid, &mini_program.secret, &new.code)
        .await
        .map_err(|error| refused(error, Code::LoginCodeInvalid))?;
    let (company, unionid) = (mini_program.company, login.unionid.as_ref());
    let Arrival { profile, person, links } = app.store.arrival(company, &login.openid, unionid).await?;
    let person = match person {
        Some(person) => person,
        None => app.store.sign_in(company, &login.openid, fresh(&app, now)?, now).await?,
    };
    let person = match entry {
        Entry::Plain => person,
        Entry::Claim(code) => claim(&app, company, person, &login, code, now).await?,
        Entry::Invitation(by) => join(&app, company, person, &login.openid, by, now).await?,
    };
    let (came_to, came_as) = (company, person.id);
    let (claimed, invited) = (matches!(entry, Entry::Claim(_)), matches!(entry, Entry::Invitation(_)));
    let visit = Visit { company, profile, person, claimed, invited, unionid, links };
    let Entered { company, profile, person, member, companies, join_request } =
        enter(&app, visit, new.company_id).await?;
    let radar = member.as_ref().is_some_and(|found| found.activation.is_on(found.member.role));
    let member = member.map(|found| found.member);
    let claims = member.as_ref().map(|member| (member.id, member.role, member.card));
    let token = keys
        .signer
        .sign(company, person, claims, radar, now)
        .map_err(|error| Problem::of(Code::Internal).caused_by(error))?;
    let me = Me::new(person, profile, member.map(MemberBody::from));
    let join_request = join_request.map(|request| JoinRequestSummary::new(&request, now));
    // The token of before is of the mini-program he came through.
    let merge = match new.anonymous_token {
        Some(before) => Some(merge_anonymous(&app, came_to, came_as, &before, now).await),
        None => None,
    };
    let session = Session { token, expires_at: token::expires_at(now), me, companies, join_request, merge };
    Ok((StatusCode::CREATED, Json(session)))
}

/// Start an anonymous session
///
/// Returns a token for the time before `wx.login` has answered, or while it fails. The token can
/// read cards and record events only. Send it as `anonymous_token` with the login: what it recorded
/// then counts for the person who logged in. Callers: everyone, without a token. Not idempotent:
/// each call makes a new identity. Errors: 404 `not_found` for an unknown `appid`; 503
/// `channel_not_configured` when the mini-program is not set up.
#[utoipa::path(post, path = "/v1/sessions/anonymous", tag = "organization", security(()),
    request_body = NewAnonymousSession, responses((status = 201, body = AnonymousSession)))]
pub(crate) async fn create_anonymous_session(
    State(app): State<App>,
    Body(new): Body<NewAnonymousSession>,
) -> Result<(StatusCode, Json<AnonymousSession>), Problem> {
    let now = app.clock.now();
    let (mini_program, keys) = tokio::try_join!(app.apps.get(&new.appid, now), app.own.keys())?;
    let company = mini_program.company;
    let person_id = fresh(&app, now)?;
    let token = keys.signer.sign_anonymous(company, person_id, now);
    let token = token.map_err(|error| Problem::of(Code::Internal).caused_by(error))?;
    let expires_at = token::expires_at(now);
    Ok((StatusCode::CREATED, Json(AnonymousSession { token, expires_at, kind: "anonymous", person_id })))
}

/// How somebody comes in.
#[derive(Clone, Copy)]
enum Entry<'a> {
    /// As whoever he is.
    Plain,
    /// As the member whose code he has.
    Claim(&'a ClaimCode),
    /// By an invitation.
    Invitation(&'a InvitationUse),
}

impl NewSession {
    fn entry(&self) -> Result<Entry<'_>, Problem> {
        match (&self.claim_code, &self.invitation) {
            (None, None) => Ok(Entry::Plain),
            (Some(code), None) => Ok(Entry::Claim(code)),
            (None, Some(by)) => Ok(Entry::Invitation(by)),
            (Some(_), Some(_)) => {
                let error = FieldError::new("not_allowed", "邀请码和邀请只能填写一个").at("/invitation");
                Err(Problem::field("", &error))
            }
        }
    }
}

/// The person with the membership he claims.
async fn claim(
    app: &App,
    company: Company,
    person: Person,
    login: &Login,
    code: &ClaimCode,
    now: Timestamp,
) -> Result<Person, Problem> {
    let hash = app.own.keys().await?.claims.hash(code);
    let (openid, unionid) = (&login.openid, login.unionid.as_ref());
    match app.store.claim_membership(company, Claiming { person, openid, unionid, hash: &hash, now }).await? {
        Claimed::Member(member) => Ok(Person { member: Some(member), ..person }),
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
