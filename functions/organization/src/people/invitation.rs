//! `/v1/invitations`: links by which several people join.

use app::people::invitation::{self, KnownInvitation};
use axum::Json;
use axum::extract::State;
use domain::kernel::id::{InvitationId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::invitation::{Invitation, InvitationCode, InvitationNote, InvitationState, LifeHours, Uses};
use domain::people::member::Role;
use edge::auth::Admin;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::people::member::head;

/// The page of the mini-program that a link opens.
const PAGE: &str = "/pages/join/index";

/// An invitation to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// How many people can join. One seat is reserved for each.
    uses: Uses,
    /// How many hours the invitation is valid. 168 if absent.
    expires_in_hours: Option<LifeHours>,
    /// The role of people who join: `staff` or `admin`. Only the boss invites admins.
    role: Role,
    /// Whether an admin must approve each person. `false` if absent.
    #[serde(default)]
    #[schema(required = false)]
    review: bool,
    /// A note for admins. Empty if absent.
    #[serde(default)]
    #[schema(required = false)]
    note: InvitationNote,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationBody {
    /// The id.
    id: InvitationId,
    /// The state. People can join with an `open` invitation only. `ended`: the member who created it
    /// may no longer invite such people; revoke it to free its seats.
    state: InvitationState,
    /// The role of people who join.
    role: Role,
    /// How many people can join in all.
    uses: u32,
    /// How many people have joined, or have asked to join.
    used: u32,
    /// Whether an admin must approve each person.
    review: bool,
    /// The note. Empty if there is none.
    note: InvitationNote,
    /// The member who created it.
    created_by: MemberId,
    /// When it was created.
    created_at: Timestamp,
    /// When it expires.
    expires_at: Timestamp,
}

/// A new invitation with its code. The code is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationCreated {
    /// The invitation.
    invitation: InvitationBody,
    /// The code. Everybody who has it can join.
    #[schema(example = "0123-4567-89ab-cdef")]
    invitation_code: String,
    /// The path for a link to the mini-program.
    #[schema(example = "/pages/join/index?invitation=0123456789abcdef")]
    path: String,
    /// The scene for a mini-program code.
    #[schema(example = "0123456789abcdef", max_length = 32)]
    scene: String,
}

/// The filter of the list of invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InvitationQuery {
    /// Only invitations in this state.
    #[param(inline)]
    state: Option<InvitationState>,
}

impl NewInvitation {
    fn invitation(self, id: InvitationId, created_by: MemberId, now: Timestamp) -> Invitation {
        let Self { uses, expires_in_hours, role, review, note } = self;
        let expires_at = expires_in_hours.unwrap_or_default().after(now);
        let (uses, used, created_at, revoked) = (uses.get(), 0, now, false);
        Invitation { id, role, uses, used, review, note, created_by, created_at, expires_at, revoked }
    }
}

impl InvitationBody {
    fn new(invitation: Invitation, now: Timestamp) -> Self {
        let state = invitation.state(now);
        (invitation, state).into()
    }
}

impl From<KnownInvitation> for InvitationBody {
    fn from((invitation, state): KnownInvitation) -> Self {
        let Invitation { id, role, uses, used, review, note, created_by, created_at, expires_at, .. } = invitation;
        Self { id, state, role, uses, used, review, note, created_by, created_at, expires_at }
    }
}

impl InvitationCreated {
    fn new(made: Invitation, code: &InvitationCode) -> Self {
        let invitation_code = code.reveal();
        let scene = invitation_code.replace('-', "");
        let path = format!("{PAGE}?invitation={scene}");
        // The state at creation: a retry gets the same answer.
        let made_at = made.created_at;
        Self { invitation: InvitationBody::new(made, made_at), invitation_code, path, scene }
    }
}

/// Create an invitation
///
/// Creates a link with which several people can join the company. One seat for each person is
/// reserved until it is used, or the invitation expires or is revoked. Only the boss invites
/// admins. Callers: admins and the boss. Idempotent by `Idempotency-Key`. Errors: 403
/// `role_required` for other callers, and for an admin who invites admins; 403
/// `fresh_login_required` when the boss invites admins and logged in more than five minutes ago; 409
/// `seats_exhausted` when no seat is free.
#[utoipa::path(post, path = "/v1/invitations", tag = "organization",
    extensions(("x-budgets" = json!(["invitations"]))),
    request_body = NewInvitation, params(IdempotencyKey), responses((status = 201, body = InvitationCreated)))]
pub(crate) async fn create_invitation(
    State(app): State<App>,
    admin: Admin,
    once: IdempotentRequest<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationCreated>), Problem> {
    let (new, request) = once.of(&admin);
    let (flow, codes) = (app.flow(), &app.own.keys().await?.claims);
    let new = new.invitation(flow.new_id()?, admin.member(), flow.now);
    let made = invitation::create(&flow, admin.company(), head(admin), codes, new, &request).await?;
    let code = codes.invitation_code(made.id);
    Ok((StatusCode::CREATED, Json(InvitationCreated::new(made, &code))))
}

/// List invitations
///
/// Lists the invitations, the latest first. A page with a filter can be short without being the
/// last: continue while `next_cursor` is not null. Callers: admins and the boss. Idempotent.
/// Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/invitations", tag = "organization", params(PageParams, InvitationQuery),
    responses((status = 200, body = PageBody<InvitationBody>)))]
pub(crate) async fn list_invitations(
    State(app): State<App>,
    admin: Admin,
    paging: Paging<InvitationQuery>,
) -> Result<Json<PageBody<InvitationBody>>, Problem> {
    let (flow, state, after) = (app.flow(), paging.filter.state, paging.position()?);
    let page = invitation::list(&flow, admin.company(), state, after, paging.limit).await?;
    let items = page.items.into_iter().map(InvitationBody::from).collect();
    Ok(Json(paging.page(items, page.next)))
}

/// Get an invitation
///
/// Returns an invitation without its code. Callers: admins and the boss. Idempotent. Errors: 403
/// `role_required` for other callers.
#[utoipa::path(get, path = "/v1/invitations/{invitation_id}", tag = "organization",
    responses((status = 200, body = InvitationBody)))]
pub(crate) async fn get_invitation(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<InvitationId>,
) -> Result<Json<InvitationBody>, Problem> {
    Ok(Json(invitation::get(&app.flow(), admin.company(), id).await?.into()))
}

/// Revoke an invitation
///
/// Ends an open invitation and frees its remaining seats. People who have joined stay members. An
/// invitation that is not open stays as it is. Only the boss revokes an invitation for admins.
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers, and for
/// an admin, if the invitation is for admins; 409 `request_in_progress` when people are joining at
/// the same moment.
#[utoipa::path(delete, path = "/v1/invitations/{invitation_id}", tag = "organization",
    responses((status = 200, body = InvitationBody)))]
pub(crate) async fn revoke_invitation(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<InvitationId>,
) -> Result<Json<InvitationBody>, Problem> {
    let flow = app.flow();
    let revoked = invitation::revoke(&flow, admin.company(), head(admin), id).await?;
    Ok(Json(InvitationBody::new(revoked, flow.now)))
}
