//! `/v1/members/{member_id}/sessions`: the devices on which somebody else is logged in.

use app::people::refresh;
use axum::Json;
use axum::extract::State;
use domain::kernel::id::{MemberId, SessionId};
use domain::people::member::MemberError;
use domain::people::session::SessionChoice;
use edge::auth::Admin;
use edge::fresh::Fresh;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::{PathId, PathIds};
use edge::problem::Problem;
use http::StatusCode;

use crate::App;
use crate::people::member::head;
use crate::people::my_session::{SessionBody, page};

/// List a member's sessions
///
/// Lists the devices on which a member is logged in, the last login first, at most 20. Admins see
/// those of staff; the boss sees all. Callers: admins and the boss. Idempotent. Errors: 403
/// `role_required` for other callers, and for an admin, if the member is no staff.
#[utoipa::path(get, path = "/v1/members/{member_id}/sessions", tag = "organization", params(PageParams),
    responses((status = 200, body = PageBody<SessionBody>)))]
pub(crate) async fn list_member_sessions(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    paging: Paging,
) -> Result<Json<PageBody<SessionBody>>, Problem> {
    let flow = app.flow();
    let (_, sessions) = refresh::sessions_of(&flow, admin.company(), head(admin), id).await?;
    Ok(Json(page(&paging, &sessions, Some(admin.session()), flow.now)?))
}

/// End a session of a member
///
/// Logs a device of a member out. The tokens of all devices of the member end at once, and the other
/// devices go on with a refresh. Open sockets of the live radar are closed. Admins end those of staff;
/// the boss ends all. Callers: admins and the boss, with a fresh login. Idempotent: repeated, it is 404
/// `not_found`. Errors: 403 `role_required` for other callers, and for an admin, if the member is no
/// staff; 403 `fresh_login_required` when the caller's login is older than five minutes; 409
/// `request_in_progress` when sessions are begun or ended at the same moment.
#[utoipa::path(delete, path = "/v1/members/{member_id}/sessions/{session_id}", tag = "organization",
    responses((status = 204)))]
pub(crate) async fn end_member_session(
    State(app): State<App>,
    Fresh(admin): Fresh<Admin>,
    PathIds(id, session): PathIds<MemberId, SessionId>,
) -> Result<StatusCode, Problem> {
    Ok(end(&app, admin, id, SessionChoice::One(session)).await?)
}

/// End the sessions of a member
///
/// Logs all devices of a member out: their tokens end at once. Open sockets of the live radar are
/// closed. Admins end those of staff; the boss ends all. Callers: admins and the boss, with a fresh
/// login. Idempotent. Errors: 403 `role_required` for other callers, and for an admin, if the member
/// is no staff; 403 `fresh_login_required` when the caller's login is older than five minutes; 409
/// `request_in_progress` when sessions are begun or ended at the same moment.
#[utoipa::path(delete, path = "/v1/members/{member_id}/sessions", tag = "organization", responses((status = 204)))]
pub(crate) async fn end_member_sessions(
    State(app): State<App>,
    Fresh(admin): Fresh<Admin>,
    PathId(id): PathId<MemberId>,
) -> Result<StatusCode, Problem> {
    Ok(end(&app, admin, id, SessionChoice::All).await?)
}

async fn end(app: &App, admin: Admin, id: MemberId, choice: SessionChoice) -> Result<StatusCode, MemberError> {
    refresh::end_of(&app.flow(), admin.company(), head(admin), id, choice).await?;
    Ok(StatusCode::NO_CONTENT)
}
