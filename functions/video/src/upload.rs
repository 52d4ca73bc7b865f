//! `/v1/uploads`: a ticket to send one file, and the state of the file.

use std::collections::BTreeMap;

use app::upload::{self, UploadToCreate, Uploader};
use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, UploadId};
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::{Format, Purpose, Refusal, Upload, UploadState, sent_key};
use edge::access::UploadViewer;
use edge::auth::Staff;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::problem::Problem;
use http::StatusCode;
use runtime::s3_signing::{PostForm, PostedFile};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

edge::closed_sets! {
    /// The state of an upload.
    UploadProgress = "waiting" | "ready" | "refused";
}

/// A file to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// The purpose of the file: `avatar` (at most 5 MB), `photo` (20 MB), `card_video` (50 MB),
    /// `voice` (2 MB and 60 seconds) or `customer_table` (5 MB).
    purpose: Purpose,
    /// The content type. Pictures: JPEG, PNG, WebP. Video: MP4. Voice: MP3, M4A, AAC.
    /// Tables: CSV, text, XLSX.
    content_type: Format,
    /// The size of the file in bytes. A larger file is refused.
    bytes: u64,
    /// The card that will show the file. The card of the caller if absent. Admins and the boss can
    /// name any card, except for `voice`. A table needs none.
    card_id: Option<CardId>,
}

/// A form to send a file: call `wx.uploadFile` with `url`, `name: "file"` and `formData: fields`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadTicket {
    /// The upload.
    upload_id: UploadId,
    /// The address for the file, sent as `multipart/form-data`. It answers 204 without a body.
    #[schema(format = "uri")]
    url: String,
    /// The fields of the form. Send all of them unchanged, before the file.
    #[schema(value_type = BTreeMap<String, String>)]
    fields: BTreeMap<&'static str, String>,
    /// When the ticket expires, 10 minutes after it was made.
    expires_at: Timestamp,
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadBody {
    /// The upload.
    upload_id: UploadId,
    /// The purpose of the file.
    purpose: Purpose,
    /// The content type of the file.
    content_type: Format,
    /// The card. `null` for a table of somebody without a card.
    card_id: Option<CardId>,
    /// `waiting` while the file is not sent or is being inspected, then `ready` or `refused`.
    #[schema(value_type = UploadProgress)]
    state: &'static str,
    /// Why the file was refused. `null` if it was not.
    reason: Option<RefusalBody>,
    /// The duration of a ready video or sound, in milliseconds. `null` for others.
    duration_ms: Option<u64>,
    /// Whether the file is shown, or was shown. An upload can be used once.
    used: bool,
    /// When the file is deleted if nothing uses it.
    usable_until: Timestamp,
}

/// The reason why a file was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalBody {
    /// The reason.
    code: Refusal,
    /// The reason in Chinese, to show to the user.
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

/// Create an upload ticket
///
/// Returns a form to send one file with `wx.uploadFile`. The file is inspected after it arrives:
/// poll `GET /v1/uploads/{upload_id}` until it is ready, then pass the id to the operation that
/// shows it. A table is not inspected: pass its id to `POST /v1/customer-imports/preview`. Admins and the boss can name any card, except for `voice`. Callers: members.
/// Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for visitors, and for a card that
/// the caller may not edit; 404 `not_found` for an unknown card; 422 `invalid` when size and
/// content type do not fit the purpose, or the caller has no card and names none.
#[utoipa::path(post, path = "/v1/uploads", tag = "video",
    extensions(("x-budgets" = json!(["uploads", "upload_bytes", "company_upload_bytes"]))), request_body = NewUpload, params(IdempotencyKey),
    responses((status = 201, body = UploadTicket)))]
pub(crate) async fn create_upload(
    State(app): State<App>,
    member: Staff,
    once: IdempotentRequest<NewUpload>,
) -> Result<(StatusCode, Json<UploadTicket>), Problem> {
    let (new, request) = once.of(&member);
    let NewUpload { purpose, content_type: format, bytes, card_id: card } = new;
    let by = Uploader { member: member.id(), own_card: member.card(), is_admin: member.is_admin() };
    let new = UploadToCreate { purpose, format, bytes, card };
    let upload = upload::create(&app.flow(), member.company(), by, new, &request).await?;
    Ok((StatusCode::CREATED, Json(ticket(&app, member.company(), &upload).await?)))
}

/// Get the state of an upload
///
/// Returns whether the file is waiting, ready or refused. Callers: the member who created the
/// ticket, admins and the boss. Idempotent. Errors: 404 `not_found` for other callers.
#[utoipa::path(get, path = "/v1/uploads/{upload_id}", tag = "video", responses((status = 200, body = UploadBody)))]
pub(crate) async fn get_upload(viewer: UploadViewer) -> Json<UploadBody> {
    Json(viewer.upload().into())
}

/// The ticket of an upload, signed for the moment it was made.
async fn ticket(app: &App, company: Company, upload: &Upload) -> Result<UploadTicket, Failure> {
    let key = sent_key(company, upload);
    let (content_type, until) = (upload.format.name(), upload.ticket_until());
    let file = PostedFile { key: &key, content_type, bytes_max: upload.bytes, until };
    let PostForm { url, fields } = app.media.signer(upload.created_at).await?.post(file);
    Ok(UploadTicket { upload_id: upload.id, url, fields, expires_at: until })
}
