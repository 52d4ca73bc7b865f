//! `/v1/my/tracking` and `/v1/my/data/erasure`: visitors pause the recording of what they do, and have
//! erased what is kept of them.

use app::crm::erasure::erase;
use axum::Json;
use axum::extract::State;
use domain::kernel::failure::Failure;
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::Timestamp;
use edge::auth::Caller;
use edge::body::Body;
use edge::client::Client;
use edge::problem::{Code, Problem};
use edge::token;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wechat::LoginCode;

use crate::App;
use crate::people::login_code::{self, ExchangeError};
use crate::people::session::sign_visitor;

/// The wish to have everything erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureWish {
    /// A new code of `wx.login`: it shows that the caller is who they were.
    code: LoginCode,
}

/// Whether to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrackingUpdate {
    /// A new code of `wx.login`: it shows that the caller is who they were.
    code: LoginCode,
    /// Whether nothing is recorded from now on.
    paused: bool,
}

/// Whether what the caller does is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrackingState {
    /// Whether nothing is recorded.
    paused: bool,
    /// The token for the header `Authorization: Bearer` from now on. Other devices of the visitor follow
    /// with their next login, within two hours.
    token: String,
    /// When the token expires.
    expires_at: Timestamp,
}

impl App {
    /// The WeChat account of a visitor, from a new code.
    async fn account(&self, caller: Caller, code: &LoginCode, client: &Client) -> Result<OpenId, ExchangeError> {
        let now = self.clock.now();
        let appid = self.store.company(caller.company()).await?.appid;
        let mini_program = self.apps.get(&appid, now).await?;
        Ok(self.exchange_code((&appid, code), &mini_program, client, now).await?.openid)
    }
}

/// The problem of an account that is not the caller's, or a member's.
fn refused(failure: Failure) -> Problem {
    if failure == Failure::NotFound {
        Problem::of(Code::LoginCodeInvalid)
    } else if failure == Failure::RoleRequired {
        Problem::of(Code::AlreadyMember).with_detail("企业成员的数据由企业管理，请联系管理员")
    } else {
        failure.into()
    }
}

/// Erase what is recorded about me
///
/// Erases what leads to the caller and what the company's people have kept of them: WeChat account, phone
/// number, profile, tags, plans, notes, timeline. Counts stay as those of an anonymous person. The account is
/// forgotten at once, the rest within ten minutes. Delete the token afterwards: with a new login the caller is
/// somebody new. Callers: everyone who has logged in, but for
/// members. Idempotent, but each call needs a new code. Errors: 401
/// `login_code_invalid` when WeChat refuses the code, or it is another person's; 403 `login_blocked` when
/// WeChat blocks the person; 409 `already_member` for members; 429 `too_many_requests` when WeChat asks to
/// slow down; 503 `channel_not_configured` when the mini-program is not set up.
#[utoipa::path(post, path = "/v1/my/data/erasure", tag = "organization",
    extensions(("x-budgets" = json!(["sessions", "login_codes", "refused_login_codes"]))),
    request_body = ErasureWish, responses((status = 202)))]
pub(crate) async fn erase_my_data(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    Body(wish): Body<ErasureWish>,
) -> Result<StatusCode, Problem> {
    login_code::admit(&client, app.clock.now())?;
    let openid = app.account(caller, &wish.code, &client).await?;
    erase(&app.flow(), caller.company(), &openid, caller.person()).await.map_err(refused)?;
    Ok(StatusCode::ACCEPTED)
}

/// Pause or resume recording what I do
///
/// While it is paused, `POST /v1/events` answers 202 and records nothing. Callers: everyone who has logged in, but for
/// members. Idempotent, but
/// each call needs a new code. Errors: 401 `login_code_invalid` when WeChat refuses the code, or it is
/// another person's; 403 `login_blocked` when WeChat blocks the person; 409 `already_member` for members;
/// 429 `too_many_requests` when WeChat asks to slow down; 503 `channel_not_configured` when the
/// mini-program is not set up.
#[utoipa::path(put, path = "/v1/my/tracking", tag = "organization",
    extensions(("x-budgets" = json!(["sessions", "login_codes", "refused_login_codes"]))),
    request_body = TrackingUpdate, responses((status = 200, body = TrackingState)))]
pub(crate) async fn set_my_tracking(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    Body(TrackingUpdate { code, paused }): Body<TrackingUpdate>,
) -> Result<Json<TrackingState>, Problem> {
    let (company, person) = (caller.company(), caller.person());
    let now = app.clock.now();
    login_code::admit(&client, now)?;
    let openid = app.account(caller, &code, &client).await?;
    let account = app.store.person_of(company, &openid).await.map_err(refused)?;
    if account.id == person && account.member.is_some() {
        return Err(refused(Failure::RoleRequired));
    }
    app.store.set_paused(company, (&openid, person), paused).await.map_err(refused)?;
    let token = sign_visitor(app.own.keys().await?, company, person, paused, now)?;
    Ok(Json(TrackingState { paused, token, expires_at: token::expires_at(now, false) }))
}
