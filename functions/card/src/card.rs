//! `/v1/cards`: create, view and edit a card.

use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::card::{Card, Identity, OwnerGone};
use domain::counter::Counts;
use domain::failure::Failure;
use domain::id::{CardId, MemberId};
use edge::auth::{Admin, Anyone, Caller};
use edge::body::Body;
use edge::idempotency::Once;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use http::StatusCode;
use serde::Deserialize;
use store::{CardChange, CardView, Founding};
use utoipa::ToSchema;

use crate::body::{CardBody, CardUpdate, IdentityUpdate, locked};
use crate::{App, audit, views};

/// A card to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCard {
    /// The owner, a member without a card.
    member_id: MemberId,
}

/// Create a card
///
/// Creates a card for a member who has none, for example the first boss. Callers: admins and the
/// boss. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for other callers; 404
/// `not_found` for an unknown member; 409 `card_exists` when the member has a card.
#[utoipa::path(post, path = "/v1/cards", tag = "card", request_body = NewCard, params(IdempotencyKey),
    responses((status = 201, body = CardBody)))]
pub(crate) async fn create_card(
    State(app): State<App>,
    admin: Admin,
    once: Once<NewCard>,
) -> Result<(StatusCode, Json<CardBody>), Problem> {
    let (new, request) = once.of(&admin);
    let (now, company) = (app.clock.now(), admin.company());
    let Founding { profile, member, template } = app.store.card_founding(company, new.member_id).await?;
    let identity = Identity { name: member.name.clone(), position: member.position.clone(), company: profile.name };
    let id = app.ids.fresh(now).map_err(|error| Failure::Unavailable(error.to_string()))?;
    let owner_gone = member.ended.map(|_| OwnerGone::default());
    let card = Card { owner_gone, department: member.department, ..Card::new(id, member.id, identity, now) };
    let card = app.store.create_card(company, card, &member, &request).await?;
    Ok((StatusCode::CREATED, Json(views::body(&app, company, (card, template, Counts::new())).await?)))
}

/// Get a card
///
/// Returns a card as visitors see it, with addresses of its files that are valid for about an hour.
/// Callers: everyone with a token, also an anonymous one. Idempotent.
#[utoipa::path(get, path = "/v1/cards/{card_id}", tag = "card", responses((status = 200, body = CardBody)))]
pub(crate) async fn get_card(
    State(app): State<App>,
    anyone: Anyone,
    PathId(card): PathId<CardId>,
) -> Result<Json<CardBody>, Problem> {
    let view = app.templates.view(&app.store, anyone.company(), card, app.clock.now()).await?;
    Ok(Json(views::body(&app, anyone.company(), view).await?))
}

/// Edit a card
///
/// Replaces the contact fields of a card. Send a field that the template locks as it is shown.
/// Change name, position and company with `PUT /v1/cards/{card_id}/identity`, locked fields with
/// `PUT /v1/card-template`. Callers: the card's owner, admins and the boss. Idempotent: an edit
/// that is already stored succeeds again. Errors: 403 `role_required` for other callers; 403
/// `field_locked` for a changed locked field and for `name`, `position` or `company`; 409
/// `version_conflict` when somebody else changed the card since `version` was read.
#[utoipa::path(put, path = "/v1/cards/{card_id}", tag = "card", request_body = CardUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_card(
    State(app): State<App>,
    caller: Caller,
    PathId(card): PathId<CardId>,
    Body(update): Body<CardUpdate>,
) -> Result<Json<CardBody>, Problem> {
    if !caller.owns(card) && !caller.is_admin() {
        return Err(refused(&app, &caller, card).await);
    }
    let (version, contact) = update.checked()?;
    let CardView { card: read, template, lifetime } = app.store.card_to_edit(caller.company(), card).await?;
    let template = template.unwrap_or_default();
    let contact = template.edited(&read.contact, contact).map_err(locked)?;
    let card = if is_due(&read, version, &read.contact, &contact)? {
        let audit = audit::of_card(&app, &caller, &read, AuditAction::CardContact, &read.contact, &contact)?;
        let change = CardChange { read: &read, audit: audit.as_ref(), now: app.clock.now() };
        app.store.edit_contact(caller.company(), change, contact).await?
    } else {
        read
    };
    Ok(Json(views::body(&app, caller.company(), (card, template, lifetime)).await?))
}

/// Change name, position and company
///
/// Replaces the name, position and company on a card. Changes the name and position of the member
/// too. Callers: admins and the boss. Idempotent: an edit that is already stored succeeds again.
/// Errors: 403 `role_required` for other callers; 409 `version_conflict` when somebody else changed
/// the card since `version` was read.
#[utoipa::path(put, path = "/v1/cards/{card_id}/identity", tag = "card", request_body = IdentityUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_card_identity(
    State(app): State<App>,
    caller: Caller,
    PathId(card): PathId<CardId>,
    Body(update): Body<IdentityUpdate>,
) -> Result<Json<CardBody>, Problem> {
    if !caller.is_admin() {
        return Err(refused(&app, &caller, card).await);
    }
    let CardView { card: read, template, lifetime } = app.store.card_to_edit(caller.company(), card).await?;
    let (version, identity) = (update.version, update.identity());
    let card = if is_due(&read, version, &read.identity, &identity)? {
        let audit = audit::of_card(&app, &caller, &read, AuditAction::CardIdentity, &read.identity, &identity)?;
        let change = CardChange { read: &read, audit: audit.as_ref(), now: app.clock.now() };
        app.store.edit_identity(caller.company(), change, identity).await?
    } else {
        read
    };
    Ok(Json(views::body(&app, caller.company(), (card, template.unwrap_or_default(), lifetime)).await?))
}

/// Whether an edit is left to be made. One that was made from another version than is stored
/// is refused, unless all is as it wants it: then it is repeated by somebody who has not heard
/// that it was made.
pub(crate) fn is_due<T: PartialEq>(read: &Card, version: u64, stored: &T, wanted: &T) -> Result<bool, Problem> {
    match (read.version == version, stored == wanted) {
        (true, _) => Ok(true),
        (false, true) => Ok(false),
        (false, false) => Err(Problem::of(Code::VersionConflict)),
    }
}

/// Why a caller may not edit: he sees the card but has no right to it, or there is none.
pub(crate) async fn refused(app: &App, caller: &Caller, card: CardId) -> Problem {
    match app.store.card(caller.company(), card).await {
        Ok(_) => Problem::of(Code::RoleRequired),
        Err(failure) => failure.into(),
    }
}
