//! `/v1/invitations`: links by which several people join.

use app::people::invitation;
use axum::Json;
use axum::extract::State;
use domain::id::{InvitationId, MemberId};
use domain::invitation::{Invitation, InvitationCode, InvitationNote, InvitationState, LifeHours, Uses};
use domain::member::Role;
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::idempotency::Once;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::members::head;

/// The page of the mini-program that a link opens.
const PAGE: &str = "/pages/join/index";

/// An invitation to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// How many people it is for; so many seats are held.
    #[schema(value_type = u32, minimum = 1, maximum = 200)]
    uses: Uses,
    /// How long it lasts; 168 if absent.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 720)]
    expires_in_hours: Option<LifeHours>,
    /// `staff` or `admin`; only the boss invites admins.
    #[schema(value_type = String)]
    role: Role,
    /// Whether an admin decides about each who comes.
    #[serde(default)]
    #[schema(required = false)]
    review: bool,
    /// What it is for, at most 60 characters.
    #[serde(default)]
    #[schema(value_type = String, max_length = 60, required = false)]
    note: InvitationNote,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationBody {
    #[schema(value_type = String)]
    id: InvitationId,
    /// `open`, `used_up`, `expired` or `revoked`.
    #[schema(value_type = String)]
    state: InvitationState,
    #[schema(value_type = String)]
    role: Role,
    /// How many people it is for.
    uses: u32,
    /// How many have joined by it, or asked to.
    used: u32,
    review: bool,
    #[schema(value_type = String)]
    note: InvitationNote,
    #[schema(value_type = String)]
    created_by: MemberId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// An invitation with its code, which is not shown again later.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationCreated {
    invitation: InvitationBody,
    /// Whoever has it may join; pass it on to those it is for.
    #[schema(example = "0123-4567-89ab-cdef")]
    invitation_code: String,
    /// What a link to the mini-program opens.
    #[schema(example = "/pages/join/index?invitation=0123456789abcdef")]
    path: String,
    /// The scene of a mini-program code.
    #[schema(example = "0123456789abcdef", max_length = 32)]
    scene: String,
}

/// Which invitations are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InvitationQuery {
    /// Only `open`, `used_up`, `expired` or `revoked` ones.
    #[param(value_type = Option<String>)]
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
        let Invitation { id, role, uses, used, review, note, created_by, created_at, expires_at, .. } = invitation;
        Self { id, state, role, uses, used, review, note, created_by, created_at, expires_at }
    }
}

impl InvitationCreated {
    fn new(made: Invitation, code: &InvitationCode) -> Self {
        let invitation_code = code.reveal();
        let scene = invitation_code.replace('-', "");
        let path = format!("{PAGE}?invitation={scene}");
        // As it was made: a retry is answered word for word.
        let made_at = made.created_at;
        Self { invitation: InvitationBody::new(made, made_at), invitation_code, path, scene }
    }
}

/// Make an invitation
///
/// For admins and the boss. Its seats are held until they are used, it is revoked or expires.
#[utoipa::path(post, path = "/v1/invitations", tag = "organization", security(("bearer" = [])), request_body = NewInvitation,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = InvitationCreated), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_invitation(
    State(app): State<App>,
    admin: Admin,
    once: Once<NewInvitation>,
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
/// The latest first. With a filter a page may be short and not the last: go on while there
/// is a `next_cursor`. For admins and the boss.
#[utoipa::path(get, path = "/v1/invitations", tag = "organization", security(("bearer" = [])), params(PageParams, InvitationQuery),
    responses((status = 200, body = PageBody<InvitationBody>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_invitations(
    State(app): State<App>,
    admin: Admin,
    paging: Paging<InvitationQuery>,
) -> Result<Json<PageBody<InvitationBody>>, Problem> {
    let now = app.clock.now();
    let wanted = (paging.filter.state, now);
    let page = app.store.list_invitations(admin.company(), wanted, paging.position()?, paging.limit).await?;
    let items = page.items.into_iter().map(|invitation| InvitationBody::new(invitation, now)).collect();
    Ok(Json(paging.page(items, page.next)))
}

/// View an invitation
///
/// For admins and the boss.
#[utoipa::path(get, path = "/v1/invitations/{invitation_id}", tag = "organization", security(("bearer" = [])),
    params(("invitation_id" = String, Path)),
    responses((status = 200, body = InvitationBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_invitation(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<InvitationId>,
) -> Result<Json<InvitationBody>, Problem> {
    let invitation = app.store.invitation(admin.company(), id).await?;
    Ok(Json(InvitationBody::new(invitation, app.clock.now())))
}

/// Revoke an invitation
///
/// Frees the seats that are still held for it; who has joined stays. One that is not open
/// is left as it is. Admins revoke those of staff, the boss all.
#[utoipa::path(delete, path = "/v1/invitations/{invitation_id}", tag = "organization", security(("bearer" = [])),
    params(("invitation_id" = String, Path)),
    responses((status = 200, body = InvitationBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn revoke_invitation(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<InvitationId>,
) -> Result<Json<InvitationBody>, Problem> {
    let flow = app.flow();
    let revoked = invitation::revoke(&flow, admin.company(), head(admin), id).await?;
    Ok(Json(InvitationBody::new(revoked, flow.now)))
}
