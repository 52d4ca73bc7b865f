//! `/v1/cards`: create, view and edit a card.

use app::card::{self, CardToEdit};
use axum::Json;
use axum::extract::State;
use domain::card::Card;
use domain::card::template::CardTemplate;
use domain::kernel::id::{CardId, MemberId};
use edge::access::{CardAdmin, CardEditor};
use edge::auth::{Admin, TokenHolder};
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{CardBody, CardUpdate, IdentityUpdate, locked};
use crate::{App, views};

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
    once: IdempotentRequest<NewCard>,
) -> Result<(StatusCode, Json<CardBody>), Problem> {
    let (new, request) = once.of(&admin);
    let shown = card::create(&app.flow(), admin.company(), new.member_id, &request).await?;
    Ok((StatusCode::CREATED, Json(views::body(&app, admin.company(), shown).await?)))
}

/// Get a card
///
/// Returns a card as visitors see it, with addresses of its files that are valid for about an hour.
/// Callers: everyone with a token, also an anonymous one. Idempotent.
#[utoipa::path(get, path = "/v1/cards/{card_id}", tag = "card", responses((status = 200, body = CardBody)))]
pub(crate) async fn get_card(
    State(app): State<App>,
    anyone: TokenHolder,
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
    editor: CardEditor,
    Body(update): Body<CardUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let (version, contact) = update.checked()?;
    let edit = |card: &Card, template: &CardTemplate| template.edited(&card.contact, contact).map_err(locked);
    let shown = card::edit_contact(&app.flow(), to_edit(editor, version), edit).await?;
    Ok(Json(views::body(&app, editor.company(), shown).await?))
}

/// Change name, position and company
///
/// Replaces the name, position and company on a card. Changes the name and position of the member
/// too. Admins change the cards of staff and their own; the boss changes all. Callers: admins and
/// the boss. Idempotent: an edit that is already stored succeeds again. Errors: 403 `role_required`
/// for other callers, and for an admin, if the owner is another admin or the boss; 409
/// `version_conflict` when somebody else changed the card since `version` was read.
#[utoipa::path(put, path = "/v1/cards/{card_id}/identity", tag = "card", request_body = IdentityUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_card_identity(
    State(app): State<App>,
    admin: CardAdmin,
    Body(update): Body<IdentityUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let to = to_edit(admin.editor(), update.version);
    let shown = card::edit_identity(&app.flow(), to, update.identity()).await?;
    Ok(Json(views::body(&app, admin.company(), shown).await?))
}

/// The member who edits the card, as flows take them.
pub(crate) fn to_edit(editor: CardEditor, version: u64) -> CardToEdit {
    CardToEdit { company: editor.company(), card: editor.card(), version, audit_actor: editor.audit_actor() }
}
