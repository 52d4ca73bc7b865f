//! `PUT /v1/cards/{card_id}/avatar`, `/photos` and `/video`: what a card shows besides text.

use app::card::{self, MediaEdit};
use axum::Json;
use axum::extract::State;
use domain::card_media::{CardMedia, Photos};
use domain::id::UploadId;
use domain::upload::Purpose;
use edge::access::CardEditor;
use edge::body::Body;
use edge::problem::{Problem, ProblemBody};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::CardBody;
use crate::card::to_edit;
use crate::{App, views};

/// The one picture or video of a card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaUpdate {
    /// The version the edit was made from.
    version: u64,
    /// A ready upload for this card and purpose, or the one that is shown; `null` for none.
    #[schema(value_type = Option<String>)]
    upload_id: Option<UploadId>,
}

/// The photos of a card. All of them are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhotosUpdate {
    /// The version the edit was made from.
    version: u64,
    /// At most 9, none twice, in the order to show: ready uploads for this card, and those
    /// that it shows already.
    #[schema(value_type = Vec<String>, max_items = 9)]
    upload_ids: Photos,
}

/// Change the avatar
///
/// For the card's owner, admins and the boss.
#[utoipa::path(put, path = "/v1/cards/{card_id}/avatar", tag = "card", security(("bearer" = [])), params(("card_id" = String, Path)), request_body = MediaUpdate,
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_card_avatar(
    State(app): State<App>,
    editor: CardEditor,
    Body(update): Body<MediaUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let avatar = update.upload_id;
    let edit = MediaEdit { purpose: Purpose::Avatar, shown: shown(avatar) };
    let to = to_edit(editor, update.version);
    let shown = card::edit_media(&app.flow(), to, edit, |media| CardMedia { avatar, ..media }).await?;
    Ok(Json(views::body(&app, editor.company(), shown).await?))
}

/// Change the photos
///
/// For the card's owner, admins and the boss.
#[utoipa::path(put, path = "/v1/cards/{card_id}/photos", tag = "card", security(("bearer" = [])), params(("card_id" = String, Path)), request_body = PhotosUpdate,
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_card_photos(
    State(app): State<App>,
    editor: CardEditor,
    Body(update): Body<PhotosUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let PhotosUpdate { version, upload_ids: photos } = update;
    let shown = photos.as_slice().iter().enumerate().map(|(n, id)| (*id, format!("/upload_ids/{n}"))).collect();
    let (to, edit) = (to_edit(editor, version), MediaEdit { purpose: Purpose::Photo, shown });
    let shown = card::edit_media(&app.flow(), to, edit, |media| CardMedia { photos, ..media }).await?;
    Ok(Json(views::body(&app, editor.company(), shown).await?))
}

/// Change the video
///
/// For the card's owner, admins and the boss.
#[utoipa::path(put, path = "/v1/cards/{card_id}/video", tag = "card", security(("bearer" = [])), params(("card_id" = String, Path)), request_body = MediaUpdate,
    responses((status = 200, body = CardBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_card_video(
    State(app): State<App>,
    editor: CardEditor,
    Body(update): Body<MediaUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let video = update.upload_id;
    let edit = MediaEdit { purpose: Purpose::CardVideo, shown: shown(video) };
    let to = to_edit(editor, update.version);
    let shown = card::edit_media(&app.flow(), to, edit, |media| CardMedia { video, ..media }).await?;
    Ok(Json(views::body(&app, editor.company(), shown).await?))
}

/// The one upload that a part shows, with a pointer to it.
fn shown(upload: Option<UploadId>) -> Vec<(UploadId, String)> {
    upload.map(|upload| (upload, "/upload_id".to_owned())).into_iter().collect()
}
