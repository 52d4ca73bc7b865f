//! `POST /v1/sessions/refresh`: the next token of a session, without WeChat.

use app::people::refresh::{self, RefreshedSession};
use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::timestamp::Timestamp;
use domain::people::session::RefreshError;
use edge::body::Body;
use edge::client::Client;
use edge::problem::Problem;
use edge::token::{self, MemberClaims};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::people::member::MemberBody;
use crate::people::session::sign;
use crate::secrets::OwnKeys;

/// A session to refresh.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionRefreshBody {
    /// The last `refresh_token` of the session.
    #[schema(max_length = 200)]
    refresh_token: String,
}

/// A refreshed session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefreshedBody {
    /// The token for the header `Authorization: Bearer`.
    token: String,
    /// When the token expires. Refresh the session before.
    expires_at: Timestamp,
    /// The token for the next refresh. Store it in place of the one that was sent.
    refresh_token: String,
    /// The membership as it is now.
    member: MemberBody,
}

impl RefreshedBody {
    fn new(keys: &OwnKeys, company: Company, session: RefreshedSession, now: Timestamp) -> Result<Self, Problem> {
        let RefreshedSession { member, activation, logged_in_at, next } = session;
        let claims = MemberClaims {
            member: member.id,
            role: member.role,
            card: member.card,
            radar: activation.is_on(member.role),
            rights: member.rights,
            session: next.session,
            logged_in_at,
        };
        let token = sign(keys, company, next.person, Some(claims), now)?;
        let refresh_token = keys.refresh_tokens.sign(&next);
        Ok(Self { token, expires_at: token::expires_at(now, true), refresh_token, member: member.into() })
    }
}

/// Refresh a session
///
/// Exchanges the refresh token of a member's session for a new token and the next refresh token,
/// without WeChat. The token has the role, card and radar that the member has now. A refresh token
/// works once; if the answer is lost, send it again within a minute: it gets the same answer. One
/// that is older was copied: it ends the session. Callers: everyone, without a token. Idempotent.
/// Errors: 401 `session_ended` when the session has ended, the member is disabled or has left, or the
/// token is not accepted: log in again; 409 `request_in_progress` when it is refreshed twice at the
/// same moment.
#[utoipa::path(post, path = "/v1/sessions/refresh", tag = "organization",
    extensions(("x-budgets" = json!(["requests"]))), security(()), request_body = SessionRefreshBody,
    responses((status = 200, body = RefreshedBody)))]
pub(crate) async fn refresh_session(
    State(app): State<App>,
    client: Client,
    Body(body): Body<SessionRefreshBody>,
) -> Result<Json<RefreshedBody>, Problem> {
    let (flow, keys) = (app.flow(), app.own.keys().await?);
    let said = keys.refresh_tokens.verify(&body.refresh_token);
    let (company, claims) = said.map_err(|_| RefreshError::Ended)?;
    let person = BudgetSubject::Person(company, claims.person);
    client.spend(&[BudgetSpend::one(BudgetName::Requests, person)], flow.now)?;
    let refreshed = refresh::refresh(&flow, company, claims).await?;
    Ok(Json(RefreshedBody::new(keys, company, refreshed, flow.now)?))
}
