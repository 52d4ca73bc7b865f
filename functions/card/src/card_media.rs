//! `PUT /v1/cards/{card_id}/avatar`, `/photos` and `/video`: what a card shows besides text.

use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::card_media::{CardMedia, Photos};
use domain::id::{CardId, UploadId};
use domain::upload::{Purpose, unknown_upload};
use edge::auth::Caller;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{FieldProblem, Problem};
use serde::Deserialize;
use store::{CardChange, CardView, CardWithUploads};
use utoipa::ToSchema;

use crate::body::CardBody;
use crate::card::{is_due, refused};
use crate::{App, audit, views};

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

/// An edit of one part of a card's media.
struct Edit {
    card: CardId,
    version: u64,
    purpose: Purpose,
    /// What the part shows then, with a pointer to each.
    shown: Vec<(UploadId, String)>,
}

impl Edit {
    fn of_one(card: CardId, purpose: Purpose, update: MediaUpdate) -> Self {
        let shown = update.upload_id.map(|upload| (upload, "/upload_id".to_owned())).into_iter().collect();
        Self { card, version: update.version, purpose, shown }
    }
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
    caller: Caller,
    PathId(card): PathId<CardId>,
    Body(update): Body<MediaUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let avatar = update.upload_id;
    let edit = Edit::of_one(card, Purpose::Avatar, update);
    change(&app, &caller, edit, |media| CardMedia { avatar, ..media }).await
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
    caller: Caller,
    PathId(card): PathId<CardId>,
    Body(update): Body<PhotosUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let PhotosUpdate { version, upload_ids: photos } = update;
    let shown = photos.as_slice().iter().enumerate().map(|(n, id)| (*id, format!("/upload_ids/{n}"))).collect();
    let edit = Edit { card, version, purpose: Purpose::Photo, shown };
    change(&app, &caller, edit, |media| CardMedia { photos, ..media }).await
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
    caller: Caller,
    PathId(card): PathId<CardId>,
    Body(update): Body<MediaUpdate>,
) -> Result<Json<CardBody>, Problem> {
    let video = update.upload_id;
    let edit = Edit::of_one(card, Purpose::CardVideo, update);
    change(&app, &caller, edit, |media| CardMedia { video, ..media }).await
}

/// Makes the edit: one read, one transaction.
async fn change(
    app: &App,
    caller: &Caller,
    edit: Edit,
    new: impl FnOnce(CardMedia) -> CardMedia,
) -> Result<Json<CardBody>, Problem> {
    if !caller.owns(edit.card) && !caller.is_admin() {
        return Err(refused(app, caller, edit.card).await);
    }
    let (company, now) = (caller.company(), app.clock.now());
    let wanted: Vec<_> = edit.shown.iter().map(|(upload, _)| *upload).collect();
    let CardWithUploads { view, uploads } = app.store.card_with_uploads(company, edit.card, &wanted).await?;
    let CardView { card: read, template, lifetime } = view;
    let media = new(read.media.clone());
    if !is_due(&read, edit.version, &read.media, &media)? {
        return Ok(Json(views::body(app, company, (read, template.unwrap_or_default(), lifetime)).await?));
    }
    let comes = media.without(&read.media);
    let mut errors = Vec::new();
    for (upload, pointer) in edit.shown.iter().filter(|(upload, _)| comes.contains(upload)) {
        let found = uploads.iter().find(|found| found.id == *upload);
        let usable = found.ok_or_else(unknown_upload).and_then(|found| found.usable(edit.card, edit.purpose, now));
        errors.extend(usable.err().map(|error| FieldProblem::new(pointer, &error)));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let audit = audit::of_card(app, caller, &read, AuditAction::CardMedia, &read.media, &media)?;
    let card = app.store.edit_media(company, CardChange { read: &read, audit: audit.as_ref(), now }, media).await?;
    Ok(Json(views::body(app, company, (card, template.unwrap_or_default(), lifetime)).await?))
}
