//! `GET /v1/cards/{card_id}/vcard`: a card for the phone's address book.

use axum::extract::State;
use domain::card::Card;
use domain::card::vcard::{disposition, vcard};
use domain::kernel::id::CardId;
use edge::auth::TokenHolder;
use edge::path::PathId;
use edge::problem::Problem;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};

use crate::{App, media};

/// Headers and body of the file.
type File = ([(HeaderName, String); 2], String);

/// Export a card as vCard
///
/// Returns the card as a vCard 3.0 file (RFC 2426). The address of the picture in it is valid for
/// about an hour. Callers: everyone with a token, also an anonymous one. Idempotent.
#[utoipa::path(get, path = "/v1/cards/{card_id}/vcard", tag = "card",
    responses((status = 200, body = String, content_type = "text/vcard")))]
pub(crate) async fn get_card_vcard(
    State(app): State<App>,
    holder: TokenHolder,
    PathId(card): PathId<CardId>,
) -> Result<File, Problem> {
    let (card, template, _) = app.templates.view(&app.store, holder.company(), card, app.clock.now()).await?;
    let card = Card { contact: template.shown(card.contact), ..card };
    let headers = [(CONTENT_TYPE, "text/vcard; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition(&card))];
    let avatar = media::body(&app, holder.company(), &card.media).await?.avatar;
    Ok((headers, vcard(&card, avatar.as_ref().map(|avatar| avatar.url.as_str()))))
}
