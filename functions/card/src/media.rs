//! Uploads in answers: each with an address that reads its file for about an hour.

use domain::card::media::CardMedia;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::UploadId;
use domain::kernel::timestamp::SECOND_MS;
use domain::media::upload::media_key;
use runtime::s3_signing::Signer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// How long an address is valid.
const VALID_MS: i64 = 3_600 * SECOND_MS;

/// A picture, video or sound.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MediaBody {
    /// The upload.
    upload_id: UploadId,
    /// The address of the file. It is valid for about an hour; do not store it.
    #[schema(format = "uri")]
    pub(crate) url: String,
}

/// The media that a card shows.
pub(crate) struct CardMediaBody {
    pub(crate) avatar: Option<MediaBody>,
    pub(crate) photos: Vec<MediaBody>,
    pub(crate) video: Option<MediaBody>,
}

impl MediaBody {
    pub(crate) fn new(signer: &Signer<'_>, company: Company, upload_id: UploadId) -> Self {
        Self { upload_id, url: signer.get(&media_key(company, upload_id), VALID_MS) }
    }
}

/// The media of a card, with addresses that are valid from now.
pub(crate) async fn body(app: &App, company: Company, media: &CardMedia) -> Result<CardMediaBody, Failure> {
    let signer = app.media.signer(app.clock.now()).await?;
    let body = |upload: &UploadId| MediaBody::new(&signer, company, *upload);
    Ok(CardMediaBody {
        avatar: media.avatar.as_ref().map(body),
        photos: media.photos.as_slice().iter().map(body).collect(),
        video: media.video.as_ref().map(body),
    })
}
