//! `/v1/cards`: create, view and edit a card.

use app::card::{self, CardToEdit};
use axum::Json;
use axum::extract::State;
use domain::card::Card;
use domain::card_template::CardTemplate;
use domain::id::{CardId, MemberId};
use edge::access::{CardAdmin, CardEditor};
use edge::auth::{Admin, Anyone};
use edge::body::Body;
use edge::idempotency::Once;
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{CardBody, CardUpdate, IdentityUpdate, locked};
use crate::{App, views};

/// Whose card to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCard {
    /// A member without a card.
    #[schema(value_type = String)]
    member_id: MemberId,
}

/// Create a card
///
/// For a member who has none, such as the first boss. For admins and the boss.
#[utoipa::path(post, path = "/v1/cards", tag = "card", security(("bearer" = [])), request_body = NewCard,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_card(
    State(app): State<App>,
    admin: Admin,
    once: Once<NewCard>,
) -> Result<(StatusCode, Json<CardBody>), Problem> {
    let (new, request) = once.of(&admin);
    let shown = card::create(&app.flow(), admin.company(), new.member_id, &request).await?;
    Ok((StatusCode::CREATED, Json(views::body(&app, admin.company(), shown).await?)))
}

/// View a card
#[utoipa::path(get, path = "/v1/cards/{card_id}", tag = "card", security(("bearer" = [])), params(("card_id" = String, Path)),
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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
/// For its owner, admins and the boss. Name, position and company are refused here:
/// admins change them with `PUT /v1/cards/{card_id}/identity`. A field that the template
/// locks must be sent as it is shown, and is changed with `PUT /v1/card-template`.
#[utoipa::path(put, path = "/v1/cards/{card_id}", tag = "card", security(("bearer" = [])), params(("card_id" = String, Path)), request_body = CardUpdate,
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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

/// Edit name, position and company
///
/// For admins and the boss; changes the member's name and position too.
#[utoipa::path(put, path = "/v1/cards/{card_id}/identity", tag = "card", security(("bearer" = [])), params(("card_id" = String, Path)), request_body = IdentityUpdate,
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_card_identity(
    State(app): State<App>,
    admin: CardAdmin,
    Body(update): Body<IdentityUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let to = to_edit(admin.editor(), update.version);
    let shown = card::edit_identity(&app.flow(), to, update.identity()).await?;
    Ok(Json(views::body(&app, admin.company(), shown).await?))
}

/// The card that an editor edits, as flows take it.
pub(crate) fn to_edit(editor: CardEditor, version: u64) -> CardToEdit {
    CardToEdit { company: editor.company(), card: editor.card(), version, audit_actor: editor.audit_actor() }
}
