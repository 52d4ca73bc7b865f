//! `/v1/my/sessions`: the devices on which a member is logged in.

use app::people::refresh;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::kernel::failure::Failure;
use domain::kernel::id::SessionId;
use domain::kernel::timestamp::Timestamp;
use domain::people::session::{DeviceLabel, MemberSession, MemberSessions, SessionChoice};
use edge::auth::Staff;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Code, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// A session of a member: a device on which they are logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionBody {
    /// The id.
    id: SessionId,
    /// The device: what the client sent with the login, or the beginning of its `User-Agent`. Empty if
    /// unknown.
    device: DeviceLabel,
    /// When the member logged in by WeChat.
    logged_in_at: Timestamp,
    /// When the session was refreshed last.
    used_at: Timestamp,
    /// When the session ends if it is not used again.
    expires_at: Timestamp,
    /// Whether it is the session of the request.
    current: bool,
}

/// The sessions to keep.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EndedQuery {
    /// Whether the session of the request goes on. `false` if absent.
    #[serde(default)]
    #[param(required = false)]
    keep_current: bool,
}

impl SessionBody {
    fn new(id: SessionId, session: &MemberSession, current: Option<SessionId>) -> Self {
        let MemberSession { device, logged_in_at, used_at, .. } = session.clone();
        Self { id, device, logged_in_at, used_at, expires_at: session.expires_at(), current: current == Some(id) }
    }
}

/// A page of sessions, the last begun first.
pub(crate) fn page(
    paging: &Paging,
    sessions: &MemberSessions,
    current: Option<SessionId>,
    now: Timestamp,
) -> Result<PageBody<SessionBody>, Problem> {
    let (after, limit) = (paging.position::<SessionId>()?, paging.limit as usize);
    let mut open = sessions.open(now);
    open.retain(|(id, _)| after.is_none_or(|after| *id < after));
    let next = open.get(limit).and_then(|_| open.get(limit - 1)).map(|(id, _)| *id);
    let items = open.into_iter().take(limit).map(|(id, session)| SessionBody::new(id, session, current)).collect();
    Ok(paging.page(items, next))
}

/// List my sessions
///
/// Lists the devices on which the caller is logged in, the last login first, at most 20. A session
/// ends thirty days after its last use. Callers: members. Idempotent. Errors: 403 `role_required` for
/// other callers.
#[utoipa::path(get, path = "/v1/my/sessions", tag = "organization", params(PageParams),
    responses((status = 200, body = PageBody<SessionBody>)))]
pub(crate) async fn list_my_sessions(
    State(app): State<App>,
    staff: Staff,
    paging: Paging,
) -> Result<Json<PageBody<SessionBody>>, Problem> {
    let (_, sessions) = app.store.member_and_sessions(staff.company(), staff.id()).await?;
    Ok(Json(page(&paging, &sessions, Some(staff.session()), app.clock.now())?))
}

/// End one of my sessions
///
/// Logs a device of the caller out; the current one, too. The tokens of all devices of the caller end
/// at once, and the other devices go on with a refresh. Open sockets of the live radar are closed.
/// Callers: members. Idempotent: repeated, it is 404 `not_found`. Errors: 403 `role_required` for
/// other callers; 409 `request_in_progress` when sessions are begun or ended at the same moment.
#[utoipa::path(delete, path = "/v1/my/sessions/{session_id}", tag = "organization", responses((status = 204)))]
pub(crate) async fn end_my_session(
    State(app): State<App>,
    staff: Staff,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, Problem> {
    Ok(end(&app, staff, SessionChoice::One(id)).await?)
}

/// End my sessions
///
/// Logs all devices of the caller out, or all but the current one. The tokens of all devices of the
/// caller end at once, and a device that is kept goes on with a refresh. Open sockets of the live
/// radar are closed. Callers: members. Idempotent. Errors: 403 `role_required` for other callers; 409
/// `request_in_progress` when sessions are begun or ended at the same moment.
#[utoipa::path(delete, path = "/v1/my/sessions", tag = "organization", params(EndedQuery),
    responses((status = 204)))]
pub(crate) async fn end_my_sessions(
    State(app): State<App>,
    staff: Staff,
    query: Result<Query<EndedQuery>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(query) = query.map_err(|_| Problem::of(Code::InvalidQuery))?;
    let choice = if query.keep_current { SessionChoice::AllBut(staff.session()) } else { SessionChoice::All };
    Ok(end(&app, staff, choice).await?)
}

async fn end(app: &App, staff: Staff, choice: SessionChoice) -> Result<StatusCode, Failure> {
    refresh::end_own(&app.flow(), staff.company(), staff.id(), choice).await?;
    Ok(StatusCode::NO_CONTENT)
}
