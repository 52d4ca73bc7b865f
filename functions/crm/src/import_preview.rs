//! `/v1/customer-imports/preview`: a look at a file before its customers are imported (导入预览).

use app::crm::import_preview;
use axum::Json;
use axum::extract::State;
use domain::crm::table_preview::{PreviewRow, TablePreview, TableToPreview};
use domain::kernel::id::{JobId, UploadId};
use edge::auth::Staff;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::import::ColumnBody;
use crate::job::{JobBody, starter, viewer};

/// A file to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewImportPreview {
    /// The upload, of the purpose `customer_table`.
    upload_id: UploadId,
    /// The sheet; the first one is 0. If absent, the first one that has data.
    sheet: Option<u32>,
    /// The number of the row that names the columns; 0 if there is none. If absent, it is looked for.
    header_row: Option<u32>,
}

/// How far a preview is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportPreviewResult {
    /// The job.
    job: JobBody,
    /// What the file has. `null` until the job is done, and again after a day or the import of the file.
    preview: Option<ImportPreviewBody>,
}

/// What a file has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportPreviewBody {
    /// The names of the sheets; one without a name for a text file.
    sheets: Vec<String>,
    /// The sheet that was read; the first one is 0.
    sheet: u32,
    /// The number of the row that names the columns; 0 if there is none.
    header_row: u32,
    /// How many rows below have anything.
    row_count: u32,
    /// The columns.
    columns: Vec<PreviewColumnBody>,
    /// The first 20 rows. Cells are cut after 40 characters.
    rows: Vec<PreviewRowBody>,
}

/// A column of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewColumnBody {
    /// Its name; empty without one.
    name: String,
    /// What it seems to be, to be sent with the import. `null` if its name says nothing.
    guess: Option<ColumnBody>,
}

/// A row of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewRowBody {
    /// Its number in the file; the first one is 1.
    row: u32,
    /// Its cells.
    cells: Vec<String>,
}

impl From<TablePreview> for ImportPreviewBody {
    fn from(TablePreview { sheets, sheet, header_row, columns, first_rows, rows, .. }: TablePreview) -> Self {
        let columns = columns.into_iter();
        let row = |PreviewRow { row, cells }: PreviewRow| PreviewRowBody { row, cells };
        Self {
            sheets,
            sheet,
            header_row,
            row_count: rows.len(),
            columns: columns.map(|of| PreviewColumnBody { name: of.name, guess: of.guess.map(Into::into) }).collect(),
            rows: first_rows.into_iter().map(row).collect(),
        }
    }
}

/// Preview a file of customers
///
/// Starts a job that reads a file of at most 10,000 rows and 60 columns: CSV, tab-separated text or XLSX. Poll
/// `GET /v1/jobs/{job_id}/preview` until it is done; it begins within a minute. `failure` says why a file
/// cannot be read. Callers: members, while their radar is on. Idempotent by `Idempotency-Key`.
/// Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is off; 409
/// `limit_reached` with 50 open jobs of the company; 422 `invalid` for an upload of another purpose, of somebody
/// else, or older than a day.
#[utoipa::path(post, path = "/v1/customer-imports/preview", tag = "crm", request_body = NewImportPreview,
    params(IdempotencyKey), responses((status = 202, body = JobBody)))]
pub(crate) async fn create_import_preview(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<NewImportPreview>,
) -> Result<(StatusCode, Json<JobBody>), Problem> {
    let (NewImportPreview { upload_id: upload, sheet, header_row }, request) = once.of(&staff);
    let file = TableToPreview { upload, sheet, header_row };
    let started = import_preview::start(&app.flow(), staff.company(), starter(&staff), file, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// Get the preview of a file
///
/// Returns how far a job is that looks at a file, and what it has found: the columns with what they seem to be,
/// and the first rows. Callers: the member who started the job, admins and the boss, while their radar is on.
/// Idempotent. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is
/// off; 404 `not_found` for other members, and for other jobs.
#[utoipa::path(get, path = "/v1/jobs/{job_id}/preview", tag = "crm", responses((status = 200, body = ImportPreviewResult)))]
pub(crate) async fn get_import_preview(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<JobId>,
) -> Result<Json<ImportPreviewResult>, Problem> {
    let (job, preview) = import_preview::find(&app.flow(), staff.company(), viewer(&staff), id).await?;
    Ok(Json(ImportPreviewResult { job: job.into(), preview: preview.map(Into::into) }))
}
