//! Phrase books and the shortcut buttons: what members set for themselves, and the company
//! for all.

use app::card::{self, CardToEdit};
use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::card::{Card, Shortcuts};
use domain::card_template::CardTemplate;
use domain::field::FieldError;
use domain::settings::{PhraseBook, Phrases};
use edge::auth::{Admin, Member};
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Code, Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::CardBody;
use crate::{App, audit, views};

/// The phrases of a book.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhrasesBody {
    /// At most 50, none twice, each of 1 to 200 characters.
    #[schema(value_type = Vec<String>, max_items = 50)]
    phrases: Phrases,
}

/// The phrases a member finds in a book: the company's, then his own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyPhrases {
    /// The company's, for all members.
    #[schema(value_type = Vec<String>)]
    company_phrases: Phrases,
    /// His own.
    #[schema(value_type = Vec<String>)]
    phrases: Phrases,
}

/// The buttons of one's own card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShortcutsUpdate {
    /// The version of the card the choice was made from.
    version: u64,
    /// Of `add_wechat` (needs a WeChat id), `call`, `save_card_code`, in the order to show.
    #[schema(value_type = Vec<String>, max_items = 3)]
    shortcuts: Shortcuts,
}

/// Read a phrase book
///
/// `book` is `chat` or `follow_up`. For members.
#[utoipa::path(get, path = "/v1/my/phrases/{book}", tag = "settings", security(("bearer" = [])), params(("book" = String, Path)),
    responses((status = 200, body = MyPhrases), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_my_phrases(
    State(app): State<App>,
    member: Member,
    PathId(book): PathId<PhraseBook>,
) -> Result<Json<MyPhrases>, Problem> {
    let (company_phrases, phrases) = app.store.phrases_of(member.company(), member.id(), book).await?;
    Ok(Json(MyPhrases { company_phrases, phrases }))
}

/// Replace my phrases
#[utoipa::path(put, path = "/v1/my/phrases/{book}", tag = "settings", security(("bearer" = [])), params(("book" = String, Path)), request_body = PhrasesBody,
    responses((status = 200, body = PhrasesBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_my_phrases(
    State(app): State<App>,
    member: Member,
    PathId(book): PathId<PhraseBook>,
    Body(new): Body<PhrasesBody>,
) -> Result<Json<PhrasesBody>, Problem> {
    app.store.set_phrases(member.company(), member.id(), book, &new.phrases).await?;
    Ok(Json(new))
}

/// Read the company's phrases
///
/// For members.
#[utoipa::path(get, path = "/v1/phrases/{book}", tag = "settings", security(("bearer" = [])), params(("book" = String, Path)),
    responses((status = 200, body = PhrasesBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_phrases(
    State(app): State<App>,
    member: Member,
    PathId(book): PathId<PhraseBook>,
) -> Result<Json<PhrasesBody>, Problem> {
    let phrases = app.store.company_phrases(member.company(), book).await?;
    Ok(Json(PhrasesBody { phrases }))
}

/// Replace the company's phrases
///
/// For admins and the boss.
#[utoipa::path(put, path = "/v1/phrases/{book}", tag = "settings", security(("bearer" = [])), params(("book" = String, Path)), request_body = PhrasesBody,
    responses((status = 200, body = PhrasesBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_phrases(
    State(app): State<App>,
    admin: Admin,
    PathId(book): PathId<PhraseBook>,
    Body(new): Body<PhrasesBody>,
) -> Result<Json<PhrasesBody>, Problem> {
    let read = app.store.company_phrases(admin.company(), book).await?;
    if read != new.phrases {
        let [from, to] = [&read, &new.phrases].map(|phrases| audit::json(&(book, phrases)));
        let audit = audit::of_company(&app, &admin, AuditAction::Phrases, from?, to?)?;
        app.store.set_company_phrases(admin.company(), book, &new.phrases, &audit).await?;
    }
    Ok(Json(new))
}

/// Choose the buttons of my card
///
/// For members who have a card.
#[utoipa::path(put, path = "/v1/my/shortcuts", tag = "settings", security(("bearer" = [])), request_body = ShortcutsUpdate,
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_my_shortcuts(
    State(app): State<App>,
    member: Member,
    Body(update): Body<ShortcutsUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let (company, version) = (member.company(), update.version);
    let card = member.card().ok_or_else(|| Problem::of(Code::NotFound))?;
    let to = CardToEdit { company, card, version, audit_actor: None };
    let edit =
        |card: &Card, _: &CardTemplate| card.contact.clone().with_shortcuts(update.shortcuts).map_err(no_wechat_id);
    let shown = card::edit_contact(&app.flow(), to, edit).await?;
    Ok(Json(views::body(&app, company, shown).await?))
}

fn no_wechat_id(position: usize) -> Problem {
    let error = FieldError::new("wechat_id_required", "请先在名片中填写微信号");
    Problem::field(&format!("/shortcuts/{position}"), &error)
}
