//! `/v1/uploads`: a ticket to send one file, and what became of it.

use std::collections::BTreeMap;

use app::upload::{self, UploadToCreate, Uploader};
use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::failure::Failure;
use domain::id::{CardId, UploadId};
use domain::timestamp::Timestamp;
use domain::upload::{Format, Purpose, Refusal, Upload, UploadState, quarantine_key};
use edge::access::UploadViewer;
use edge::auth::Caller;
use edge::idempotency::Once;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use runtime::s3_signing::{PostForm, PostedFile};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A file that is about to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// `avatar` (≤ 5 MB), `photo` (≤ 20 MB), `card_video` (≤ 50 MB) or `voice` (≤ 2 MB, ≤ 60 s).
    #[schema(value_type = String, example = "photo")]
    purpose: Purpose,
    /// Pictures: `image/jpeg`, `image/png`, `image/webp`. Video: `video/mp4`. Voice:
    /// `audio/mpeg`, `audio/mp4` (m4a), `audio/aac`.
    #[schema(value_type = String, example = "image/jpeg")]
    content_type: Format,
    /// Its size; a file with more is refused.
    bytes: u64,
    /// For which card; the caller's own if absent. Admins and the boss name any card of the
    /// company, but for `voice`.
    #[schema(value_type = Option<String>)]
    card_id: Option<CardId>,
}

/// How to send the file: `wx.uploadFile` with `url`, `name: "file"` and `formData: fields`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadTicket {
    #[schema(value_type = String)]
    upload_id: UploadId,
    /// Where to send it, as `multipart/form-data`. The answer is 204 without a body.
    #[schema(format = "uri")]
    url: String,
    /// Every field goes into the form, unchanged and before the file.
    #[schema(value_type = Object)]
    fields: BTreeMap<&'static str, String>,
    /// The ticket is good until then, 10 minutes after it was made.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadBody {
    #[schema(value_type = String)]
    upload_id: UploadId,
    #[schema(value_type = String)]
    purpose: Purpose,
    #[schema(value_type = String)]
    content_type: Format,
    #[schema(value_type = String)]
    card_id: CardId,
    /// `waiting` (not sent, or being inspected), `ready` or `refused`.
    state: &'static str,
    /// Why it was refused.
    reason: Option<RefusalBody>,
    /// How long a ready video or sound plays.
    duration_ms: Option<u64>,
    /// Whether something shows it, or showed it: an upload is used once.
    used: bool,
    /// One that nothing uses is deleted after that.
    #[schema(value_type = String, format = DateTime)]
    usable_until: Timestamp,
}

/// Why a file was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalBody {
    /// `wrong_type`, `damaged`, `too_long` or `too_large`.
    #[schema(value_type = String)]
    code: Refusal,
    /// For the user.
    detail: &'static str,
}

impl From<Upload> for UploadBody {
    fn from(upload: Upload) -> Self {
        let (state, reason, duration_ms) = match upload.state {
            UploadState::Waiting => ("waiting", None, None),
            UploadState::Ready { duration_ms } => ("ready", None, duration_ms),
            UploadState::Refused { reason } => ("refused", Some(reason), None),
        };
        Self {
            upload_id: upload.id,
            purpose: upload.purpose,
            content_type: upload.format,
            card_id: upload.card,
            state,
            reason: reason.map(|code| RefusalBody { code, detail: code.detail() }),
            duration_ms,
            used: upload.used,
            usable_until: upload.usable_until(),
        }
    }
}

/// Ask for an upload ticket
///
/// For members. The file is inspected after it was sent; ask `GET /v1/uploads/{upload_id}`
/// until it is ready, then use it with the route of its purpose.
#[utoipa::path(post, path = "/v1/uploads", tag = "video", security(("bearer" = [])), request_body = NewUpload,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = UploadTicket), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_upload(
    State(app): State<App>,
    caller: Caller,
    once: Once<NewUpload>,
) -> Result<(StatusCode, Json<UploadTicket>), Problem> {
    let (new, request) = once.of(&caller);
    let NewUpload { purpose, content_type: format, bytes, card_id: card } = new;
    let membership = caller.membership();
    let (member, own_card) = (membership.map(|own| own.member), membership.and_then(|own| own.card));
    let by = Uploader { member, own_card, is_admin: caller.is_admin() };
    let new = UploadToCreate { purpose, format, bytes, card };
    let upload = upload::create(&app.flow(), caller.company(), by, new, &request).await?;
    Ok((StatusCode::CREATED, Json(ticket(&app, caller.company(), &upload).await?)))
}

/// Look at an upload
///
/// For who asked for the ticket, admins and the boss.
#[utoipa::path(get, path = "/v1/uploads/{upload_id}", tag = "video", security(("bearer" = [])), params(("upload_id" = String, Path)),
    responses((status = 200, body = UploadBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_upload(State(app): State<App>, viewer: UploadViewer) -> Result<Json<UploadBody>, Problem> {
    let upload = app.store.upload(viewer.company(), viewer.upload()).await?;
    viewer.require_may_see(upload.member)?;
    Ok(Json(upload.into()))
}

/// The ticket of an upload, signed as of the moment it was made.
async fn ticket(app: &App, company: Company, upload: &Upload) -> Result<UploadTicket, Failure> {
    let key = quarantine_key(company, upload.id);
    let (content_type, until) = (upload.format.name(), upload.ticket_until());
    let file = PostedFile { key: &key, content_type, bytes_max: upload.bytes, until };
    let PostForm { url, fields } = app.media.signer(upload.created_at).await?.post(file);
    Ok(UploadTicket { upload_id: upload.id, url, fields, expires_at: until })
}
