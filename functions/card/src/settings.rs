//! Phrase books and the shortcut buttons: settings of a member, and of the company for all members.

use app::card::{self, CardToEdit};
use axum::Json;
use axum::extract::State;
use domain::card::settings::{PhraseBook, Phrases};
use domain::card::template::CardTemplate;
use domain::card::{Card, Shortcuts};
use domain::company::audit::AuditAction;
use domain::kernel::field::FieldError;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::CardBody;
use crate::{App, view};

/// The phrases in a phrase book.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhrasesBody {
    /// The phrases in their order, each with 1 to 200 characters.
    phrases: Phrases,
}

/// The phrases that a member can use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyPhrases {
    /// The phrases of the company, for all members.
    company_phrases: Phrases,
    /// The member's own phrases.
    phrases: Phrases,
}

/// The buttons of a card. All of them are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShortcutsUpdate {
    /// The version of the card that was edited.
    version: u64,
    /// The buttons in the order to show. `add_wechat` needs a WeChat id on the card.
    shortcuts: Shortcuts,
}

/// List phrases that I can use
///
/// Returns the company's phrases and the caller's own phrases in a phrase book. Callers: members.
/// Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/my/phrases/{book}", tag = "settings", responses((status = 200, body = MyPhrases)))]
pub(crate) async fn list_my_phrases(
    State(app): State<App>,
    member: Staff,
    PathId(book): PathId<PhraseBook>,
) -> Result<Json<MyPhrases>, Problem> {
    let (company_phrases, phrases) = app.store.phrases_of(member.company(), member.id(), book).await?;
    Ok(Json(MyPhrases { company_phrases, phrases }))
}

/// Replace my phrases
///
/// Replaces all of the caller's own phrases in a phrase book. Callers: members. Idempotent. Errors:
/// 403 `role_required` for visitors.
#[utoipa::path(put, path = "/v1/my/phrases/{book}", tag = "settings", request_body = PhrasesBody,
    responses((status = 200, body = PhrasesBody)))]
pub(crate) async fn update_my_phrases(
    State(app): State<App>,
    member: Staff,
    PathId(book): PathId<PhraseBook>,
    Body(new): Body<PhrasesBody>,
) -> Result<Json<PhrasesBody>, Problem> {
    app.store.set_phrases(member.company(), member.id(), book, &new.phrases).await?;
    Ok(Json(new))
}

/// List the company's phrases
///
/// Returns the phrases of the company in a phrase book. Callers: members. Idempotent. Errors: 403
/// `role_required` for visitors.
#[utoipa::path(get, path = "/v1/phrases/{book}", tag = "settings", responses((status = 200, body = PhrasesBody)))]
pub(crate) async fn list_phrases(
    State(app): State<App>,
    member: Staff,
    PathId(book): PathId<PhraseBook>,
) -> Result<Json<PhrasesBody>, Problem> {
    let phrases = app.store.company_phrases(member.company(), book).await?;
    Ok(Json(PhrasesBody { phrases }))
}

/// Replace the company's phrases
///
/// Replaces all phrases of the company in a phrase book. Callers: admins and the boss. Idempotent.
/// Errors: 403 `role_required` for other callers.
#[utoipa::path(put, path = "/v1/phrases/{book}", tag = "settings", request_body = PhrasesBody,
    responses((status = 200, body = PhrasesBody)))]
pub(crate) async fn update_phrases(
    State(app): State<App>,
    admin: Admin,
    PathId(book): PathId<PhraseBook>,
    Body(new): Body<PhrasesBody>,
) -> Result<Json<PhrasesBody>, Problem> {
    let read = app.store.company_phrases(admin.company(), book).await?;
    if read != new.phrases {
        let (actor, action, company) = (admin.audit_actor(), AuditAction::Phrases, admin.company().id());
        let (before, after) = (Some((book, &read)), Some((book, &new.phrases)));
        let audit = app.flow().audit_change(actor, action, company, before, after)?;
        app.store.set_company_phrases(admin.company(), book, &new.phrases, &audit).await?;
    }
    Ok(Json(new))
}

/// Set the buttons of my card
///
/// Replaces the buttons that visitors find on the card of the caller. Callers: members who have a
/// card. Idempotent: an edit that is already stored succeeds again. Errors: 403 `role_required` for
/// visitors; 404 `not_found` for members without a card; 409 `version_conflict` when somebody else
/// changed the card since `version` was read; 422 `invalid` for `add_wechat` on a card without a
/// WeChat id.
#[utoipa::path(put, path = "/v1/my/shortcuts", tag = "settings", request_body = ShortcutsUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_my_shortcuts(
    State(app): State<App>,
    member: Staff,
    Body(update): Body<ShortcutsUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let (company, version) = (member.company(), update.version);
    let card = member.card().ok_or_else(|| Problem::of(Code::NotFound))?;
    let to = CardToEdit { company, card, version, audit_actor: None };
    let edit =
        |card: &Card, _: &CardTemplate| card.contact.clone().with_shortcuts(update.shortcuts).map_err(no_wechat_id);
    let shown = card::edit_contact(&app.flow(), to, edit).await?;
    Ok(Json(view::body(&app, company, shown).await?))
}

fn no_wechat_id(position: usize) -> Problem {
    let error = FieldError::new("wechat_id_required", "请先在名片中填写微信号");
    Problem::field(&format!("/shortcuts/{position}"), &error)
}
