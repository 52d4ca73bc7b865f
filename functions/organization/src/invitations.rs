//! `/v1/invitations`: links by which several people join.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor, AuditEntry};
use domain::company::Company;
use domain::failure::{Failure, Resource};
use domain::id::{InvitationId, MemberId};
use domain::idempotency::Idempotency;
use domain::invitation::{Invitation, InvitationNote, InvitationState, LifeHours, Uses};
use domain::member::Role;
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::idempotency::Once;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Code, Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::QuotaName;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::audit_log::entry;
use crate::members::fresh;

/// The page of the mini-program that a link opens.
const PAGE: &str = "/pages/join/index";
/// How often a revocation is tried that meets people who join.
const ATTEMPTS: u32 = 5;

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
    if !admin.role.may_add(new.role) {
        return Err(Problem::of(Code::RoleRequired));
    }
    let (now, claims) = (app.clock.now(), &app.own.keys().await?.claims);
    let invitation = new.invitation(fresh(&app, now)?, admin.member(), now);
    let (target, to) = (invitation.id.to_string(), format!("{} × {}", invitation.role.name(), invitation.uses));
    let audit = entry(&app, AuditActor::Member(admin.member()), AuditAction::InvitationCreated, target, "", to)?;
    let hash = claims.invitation_hash(&claims.invitation_code(invitation.id));
    let invitation = create(&app, admin.company(), (invitation, &hash), &audit, &request).await?;
    let invitation_code = claims.invitation_code(invitation.id).reveal();
    let scene = invitation_code.replace('-', "");
    let path = format!("{PAGE}?invitation={scene}");
    // As it was made: a retry is answered word for word.
    let made_at = invitation.created_at;
    let invitation = InvitationBody::new(invitation, made_at);
    Ok((StatusCode::CREATED, Json(InvitationCreated { invitation, invitation_code, path, scene })))
}

/// Makes an invitation; when too few seats are left, after freeing those of expired ones.
async fn create(
    app: &App,
    company: Company,
    (new, hash): (Invitation, &str),
    audit: &AuditEntry,
    request: &Idempotency,
) -> Result<Invitation, Failure> {
    match app.store.create_invitation(company, new.clone(), hash, audit, request).await {
        Err(Failure::Exhausted(Resource::Seats))
            if app.store.sweep_quota(company, QuotaName::Seats, audit.at).await? > 0 =>
        {
            app.store.create_invitation(company, new, hash, audit, request).await
        }
        done => done,
    }
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
    let now = app.clock.now();
    for _ in 0..ATTEMPTS {
        let read = app.store.invitation(admin.company(), id).await?;
        if !admin.role.may_add(read.role) {
            return Err(Problem::of(Code::RoleRequired));
        }
        if read.state(now) != InvitationState::Open {
            return Ok(Json(InvitationBody::new(read, now)));
        }
        let (actor, from) = (AuditActor::Member(admin.member()), format!("{} / {}", read.used, read.uses));
        let audit = entry(&app, actor, AuditAction::InvitationRevoked, id.to_string(), from, "revoked")?;
        match app.store.revoke_invitation(admin.company(), &read, &audit).await {
            Ok(()) => return Ok(Json(InvitationBody::new(Invitation { revoked: true, ..read }, now))),
            // Somebody joined meanwhile: fewer seats are left to be freed.
            Err(Failure::Busy) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Problem::of(Code::Busy))
}
