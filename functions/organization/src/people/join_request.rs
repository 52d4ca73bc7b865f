//! `/v1/join-requests`: an admin decides who joins by an invitation with review.

use app::people::join_request;
use axum::Json;
use axum::extract::State;
use domain::kernel::id::{InvitationId, JoinRequestId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::join_request::{Decision, JoinRequest, JoinRequestState};
use domain::people::member::{PersonName, Position, Role};
use edge::auth::Admin;
use edge::body::Body;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::people::member::head;

/// A request to join, as the person who asks sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinRequestSummary {
    /// The id.
    id: JoinRequestId,
    /// The state of the request.
    state: JoinRequestState,
}

/// A request to join.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinRequestBody {
    #[serde(flatten)]
    summary: JoinRequestSummary,
    /// The invitation.
    invitation_id: InvitationId,
    /// The name of the person.
    name: PersonName,
    /// The job title. Empty if there is none.
    position: Position,
    /// The role that the person gets: `staff` or `admin`.
    role: Role,
    /// When it was created.
    created_at: Timestamp,
    /// Until when the request can be decided. A seat is reserved until then.
    expires_at: Timestamp,
    /// The member that the person became. `null` if the request was not approved.
    member_id: Option<MemberId>,
}

/// A decision about a request to join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinDecision {
    /// Whether the person joins.
    decision: Decision,
}

/// The filter of the list of join requests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JoinRequestQuery {
    /// Only requests in this state.
    #[param(inline)]
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

/// List join requests
///
/// Lists the requests to join by invitations with review, the latest first. A page with a filter
/// can be short without being the last: continue while `next_cursor` is not null. Callers: admins
/// and the boss. Idempotent. Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/join-requests", tag = "organization", params(PageParams, JoinRequestQuery),
    responses((status = 200, body = PageBody<JoinRequestBody>)))]
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

/// Approve or reject a join request
///
/// Approves a request, so that the person becomes a member with a card, or rejects it. Only the
/// boss decides about future admins. Callers: admins and the boss. Idempotent for the same
/// decision. Errors: 403 `role_required` for other callers, and for an admin, if the request is for
/// the role admin; 409 `join_request_decided` after the opposite decision; 409
/// `join_request_expired` after seven days; 409 `already_member` when the person has become a
/// member in another way.
#[utoipa::path(put, path = "/v1/join-requests/{join_request_id}", tag = "organization", request_body = JoinDecision,
    responses((status = 200, body = JoinRequestBody)))]
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
