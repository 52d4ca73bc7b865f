//! `PUT /v1/cards/{card_id}/avatar`, `/photos` and `/video`: the media that a card shows.

use app::card::{self, MediaEdit};
use axum::Json;
use axum::extract::State;
use domain::card::media::{CardMedia, Photos};
use domain::kernel::id::UploadId;
use domain::media::upload::Purpose;
use edge::access::CardEditor;
use edge::body::Body;
use edge::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::CardBody;
use crate::card::to_edit;
use crate::{App, view};

/// The upload to show as avatar or video.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaUpdate {
    /// The version of the card that was edited.
    version: u64,
    /// A ready upload for this card and purpose, or the upload that is shown now. `null` for none.
    upload_id: Option<UploadId>,
}

/// The photos of a card. All of them are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhotosUpdate {
    /// The version of the card that was edited.
    version: u64,
    /// The photos in the order to show: ready uploads for this card, and uploads that it shows now.
    upload_ids: Photos,
}

/// Set the avatar of a card
///
/// Shows a ready upload as the avatar, or none. Callers: the card's owner, admins and the boss.
/// Idempotent: an edit that is already stored succeeds again. Errors: 403 `role_required` for other
/// callers; 409 `version_conflict` when somebody else changed the card since `version` was read;
/// 422 `invalid` when the upload is not ready, was used before, or is for something else.
#[utoipa::path(put, path = "/v1/cards/{card_id}/avatar", tag = "card", request_body = MediaUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_card_avatar(
    State(app): State<App>,
    editor: CardEditor,
    Body(update): Body<MediaUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let avatar = update.upload_id;
    let edit = MediaEdit { purpose: Purpose::Avatar, shown: shown(avatar) };
    let to = to_edit(editor, update.version);
    let shown = card::edit_media(&app.flow(), to, edit, |media| CardMedia { avatar, ..media }).await?;
    Ok(Json(view::body(&app, editor.company(), shown).await?))
}

/// Set the photos of a card
///
/// Replaces all photos of a card. Callers: the card's owner, admins and the boss. Idempotent: an
/// edit that is already stored succeeds again. Errors: 403 `role_required` for other callers; 409
/// `version_conflict` when somebody else changed the card since `version` was read; 422 `invalid`
/// when an upload is not ready, was used before, or is for something else.
#[utoipa::path(put, path = "/v1/cards/{card_id}/photos", tag = "card", request_body = PhotosUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_card_photos(
    State(app): State<App>,
    editor: CardEditor,
    Body(update): Body<PhotosUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let PhotosUpdate { version, upload_ids: photos } = update;
    let shown = photos.as_slice().iter().enumerate().map(|(n, id)| (*id, format!("/upload_ids/{n}"))).collect();
    let (to, edit) = (to_edit(editor, version), MediaEdit { purpose: Purpose::Photo, shown });
    let shown = card::edit_media(&app.flow(), to, edit, |media| CardMedia { photos, ..media }).await?;
    Ok(Json(view::body(&app, editor.company(), shown).await?))
}

/// Set the video of a card
///
/// Shows a ready upload as the video, or none. Callers: the card's owner, admins and the boss.
/// Idempotent: an edit that is already stored succeeds again. Errors: 403 `role_required` for other
/// callers; 409 `version_conflict` when somebody else changed the card since `version` was read;
/// 422 `invalid` when the upload is not ready, was used before, or is for something else.
#[utoipa::path(put, path = "/v1/cards/{card_id}/video", tag = "card", request_body = MediaUpdate,
    responses((status = 200, body = CardBody)))]
pub(crate) async fn update_card_video(
    State(app): State<App>,
    editor: CardEditor,
    Body(update): Body<MediaUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let video = update.upload_id;
    let edit = MediaEdit { purpose: Purpose::CardVideo, shown: shown(video) };
    let to = to_edit(editor, update.version);
    let shown = card::edit_media(&app.flow(), to, edit, |media| CardMedia { video, ..media }).await?;
    Ok(Json(view::body(&app, editor.company(), shown).await?))
}

/// The one upload that a part shows, with a pointer to it.
fn shown(upload: Option<UploadId>) -> Vec<(UploadId, String)> {
    upload.map(|upload| (upload, "/upload_id".to_owned())).into_iter().collect()
}
