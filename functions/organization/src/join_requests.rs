//! `/v1/join-requests`: an admin decides who joins by an invitation with review.

use app::people::join_request;
use axum::Json;
use axum::extract::State;
use domain::id::{InvitationId, JoinRequestId, MemberId};
use domain::join_request::{Decision, JoinRequest, JoinRequestState};
use domain::member::{PersonName, Position, Role};
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::body::Body;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::members::head;

/// A request to join, as who asks sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinRequestSummary {
    #[schema(value_type = String)]
    id: JoinRequestId,
    /// `pending`, `approved`, `rejected` or `expired`.
    #[schema(value_type = String)]
    state: JoinRequestState,
}

/// A request to join.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinRequestBody {
    #[serde(flatten)]
    summary: JoinRequestSummary,
    #[schema(value_type = String)]
    invitation_id: InvitationId,
    #[schema(value_type = String)]
    name: PersonName,
    #[schema(value_type = String)]
    position: Position,
    /// `staff` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it can be decided, and a seat is held for it.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The member he has become.
    #[schema(value_type = Option<String>)]
    member_id: Option<MemberId>,
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinDecision {
    /// `approve` or `reject`.
    #[schema(value_type = String)]
    decision: Decision,
}

/// Which requests are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JoinRequestQuery {
    /// Only `pending`, `approved`, `rejected` or `expired` ones.
    #[param(value_type = Option<String>)]
    state: Option<JoinRequestState>,
}

impl JoinRequestSummary {
    pub(crate) fn new(request: &JoinRequest, now: Timestamp) -> Self {
        Self { id: request.id, state: request.state(now) }
    }
}

impl JoinRequestBody {
    fn new(request: JoinRequest, now: Timestamp) -> Self {
        let (summary, expires_at) = (JoinRequestSummary::new(&request, now), request.expires_at());
        let JoinRequest { invitation, name, position, role, created_at, member, .. } = request;
        Self { summary, invitation_id: invitation, name, position, role, created_at, expires_at, member_id: member }
    }
}

/// List requests to join
///
/// The latest first. With a filter a page may be short and not the last: go on while there
/// is a `next_cursor`. For admins and the boss.
#[utoipa::path(get, path = "/v1/join-requests", tag = "organization", security(("bearer" = [])), params(PageParams, JoinRequestQuery),
    responses((status = 200, body = PageBody<JoinRequestBody>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_join_requests(
    State(app): State<App>,
    admin: Admin,
    paging: Paging<JoinRequestQuery>,
) -> Result<Json<PageBody<JoinRequestBody>>, Problem> {
    let now = app.clock.now();
    let wanted = (paging.filter.state, now);
    let page = app.store.list_join_requests(admin.company(), wanted, paging.position()?, paging.limit).await?;
    let items = page.items.into_iter().map(|request| JoinRequestBody::new(request, now)).collect();
    Ok(Json(paging.page(items, page.next)))
}

/// Decide about a request to join
///
/// The same decision again changes nothing. Admins decide about staff, the boss about all.
#[utoipa::path(put, path = "/v1/join-requests/{join_request_id}", tag = "organization", security(("bearer" = [])),
    params(("join_request_id" = String, Path)), request_body = JoinDecision,
    responses((status = 200, body = JoinRequestBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn decide_join_request(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<JoinRequestId>,
    Body(JoinDecision { decision }): Body<JoinDecision>,
) -> Result<Json<JoinRequestBody>, Problem> {
    let flow = app.flow();
    let decided = join_request::decide(&flow, admin.company(), head(admin), id, decision).await?;
    Ok(Json(JoinRequestBody::new(decided, flow.now)))
}
