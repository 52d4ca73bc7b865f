//! `/v1/customer-imports`: customers of a table (导入客户), as a job.

use app::crm::import::{self, ImportSource};
use axum::Json;
use axum::extract::State;
use domain::crm::import::{IMPORT_ROWS_MAX, Import};
use domain::crm::import_file::{ColumnField, MappedColumn};
use domain::crm::import_row::{ImportRow, RowError};
use domain::crm::profile::ProfileField;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, CustomFieldId, JobId};
use domain::kernel::text::Paragraph;
use edge::auth::Staff;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::job::{JobBody, starter, viewer};

/// A table of customers: rows, or the columns of a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewImport {
    /// The rows, at most 1,000; none for a file.
    #[serde(default)]
    #[schema(required = false, max_items = 1_000)]
    rows: Vec<ImportRowBody>,
    /// The job that has looked at the file, which has at most 10,000 rows.
    preview_id: Option<JobId>,
    /// The columns of the file that are imported, one of them as `name`.
    #[serde(default)]
    #[schema(required = false, max_items = 60)]
    columns: Vec<ColumnBody>,
    /// The card whose customers they become. The card of the caller if absent; admins and the boss can
    /// name any card, and without a card they import customers of the company alone.
    card_id: Option<CardId>,
}

/// A column of a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnBody {
    /// The number of the column; the first one is 1.
    #[schema(minimum = 1, maximum = 60)]
    column: u32,
    /// What it is imported as. Tags are names with commas between them.
    field: ColumnField,
    /// The custom field, for `custom`.
    #[serde(default)]
    #[schema(required = false)]
    custom_field_id: Option<CustomFieldId>,
}

impl From<ColumnBody> for MappedColumn {
    fn from(ColumnBody { column, field, custom_field_id: custom_field }: ColumnBody) -> Self {
        Self { column, field, custom_field }
    }
}

impl From<MappedColumn> for ColumnBody {
    fn from(MappedColumn { column, field, custom_field: custom_field_id }: MappedColumn) -> Self {
        Self { column, field, custom_field_id }
    }
}

/// A row: texts as they stand in the table. Each is checked when the row is imported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRowBody {
    /// The name.
    name: Option<Paragraph<2_000>>,
    /// The company.
    company: Option<Paragraph<2_000>>,
    /// The position.
    position: Option<Paragraph<2_000>>,
    /// The mobile number; also as a spreadsheet writes a number.
    mobile: Option<Paragraph<2_000>>,
    /// The email address.
    email: Option<Paragraph<2_000>>,
    /// The address.
    address: Option<Paragraph<2_000>>,
    /// A remark.
    remark: Option<Paragraph<2_000>>,
}

/// The body of a request without content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportUndoBody {}

/// What was wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowErrorBody {
    /// The number of the row; the first one is 1. Of a file it is the number that a spreadsheet shows.
    row: u32,
    /// The number of the column of the file; the first one is 1. `null` without a file, and if it is the row.
    column: Option<u32>,
    /// The field of the profile. `null` if it is the row, and for tags and custom fields.
    field: Option<ProfileField>,
    /// A stable code: `required`, `too_long`, `invalid_mobile`, `duplicate`, `customer_changed` …
    code: String,
    /// The reason in Chinese, to show to the user.
    detail: String,
}

impl From<RowError> for RowErrorBody {
    fn from(RowError { row, column, field, code, detail }: RowError) -> Self {
        Self { row, column, field, code, detail }
    }
}

impl From<ImportRowBody> for ImportRow {
    fn from(row: ImportRowBody) -> Self {
        let ImportRowBody { name, company, position, mobile, email, address, remark } = row;
        let texts = [
            (ProfileField::Name, name),
            (ProfileField::Company, company),
            (ProfileField::Position, position),
            (ProfileField::Mobile, mobile),
            (ProfileField::Email, email),
            (ProfileField::Address, address),
            (ProfileField::Remark, remark),
        ];
        Self(texts.into_iter().filter_map(|(field, text)| Some((field, text?.to_string()))).collect())
    }
}

impl NewImport {
    /// The rows, or the columns of the file.
    fn source(self) -> Result<ImportSource, Problem> {
        let Some(preview) = self.preview_id else { return Ok(ImportSource::Rows(self.checked()?)) };
        if !self.rows.is_empty() {
            return Err(Problem::field("/rows", &FieldError::new("not_allowed", "请选择文件或数据中的一种")));
        }
        let columns = self.columns.into_iter().map(MappedColumn::from).collect();
        Ok(ImportSource::File { preview, columns, card: self.card_id })
    }

    fn checked(self) -> Result<Import, Problem> {
        if self.rows.is_empty() {
            return Err(Problem::field("/rows", &FieldError::new("required", "没有可导入的数据")));
        }
        if self.rows.len() > IMPORT_ROWS_MAX {
            return Err(Problem::field("/rows", &FieldError::new("too_many", "一次最多导入 1000 行")));
        }
        let rows = self.rows.into_iter().map(ImportRow::from).collect();
        Ok(Import { card: self.card_id, rows, ..Import::default() })
    }
}

/// Import customers
///
/// Starts a job that adds a customer for each row of the body, or of a file: for a file, send `preview_id` and
/// `columns` instead of `rows`. Good rows are added; of each other row the errors are listed, and a row whose
/// phone number belongs to a customer is skipped. The same table again changes nothing and answers the import
/// of before, until that is undone; if that was cancelled or has failed, a new job goes on with it. The file is
/// deleted when the import ends. Callers: members, while their radar is on.
/// Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for visitors, and for a colleague's card; 403
/// `radar_not_active` while the radar of the caller is off; 404 `not_found` for an unknown card; 409
/// `limit_reached` with 50 open jobs of the company; 422 `invalid` without rows, for more than 1,000, for a file that
/// the caller has not previewed within a day (`unknown_preview`), for columns that cannot be imported, and for a
/// caller without a card who is no admin.
#[utoipa::path(post, path = "/v1/customer-imports", tag = "crm", request_body = NewImport, params(IdempotencyKey),
    responses((status = 202, body = JobBody)))]
pub(crate) async fn create_import(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<NewImport>,
) -> Result<(StatusCode, Json<JobBody>), Problem> {
    let (new, request) = once.of(&staff);
    let started = import::start(&app.flow(), staff.company(), starter(&staff), new.source()?, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// Undo an import
///
/// Starts a job that removes the customers of an import who have not changed since. The others are kept, and
/// listed as errors. Callers: the member who imported them, admins and the boss, while their radar is on.
/// Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the
/// radar of the caller is off; 404 `not_found` for other members, and for a job that is no import; 409
/// `job_open` while the import goes on, and `limit_reached` with 50 open jobs of the company.
#[utoipa::path(post, path = "/v1/customer-imports/{job_id}/undo", tag = "crm", request_body = ImportUndoBody,
    params(IdempotencyKey), responses((status = 202, body = JobBody)))]
pub(crate) async fn undo_import(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<JobId>,
    once: IdempotentRequest<ImportUndoBody>,
) -> Result<(StatusCode, Json<JobBody>), Problem> {
    let (ImportUndoBody {}, request) = once.of(&staff);
    let started = import::undo(&app.flow(), staff.company(), starter(&staff), id, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// List what was wrong with rows
///
/// Returns the errors of an import or its undoing, in the order of the rows. Callers: the member who started
/// the job, admins and the boss, while their radar is on. Idempotent. Errors: 403 `role_required` for visitors;
/// 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` for other members, and for an
/// unknown job.
#[utoipa::path(get, path = "/v1/jobs/{job_id}/errors", tag = "crm", params(PageParams),
    responses((status = 200, body = PageBody<RowErrorBody>)))]
pub(crate) async fn list_job_errors(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<JobId>,
    paging: Paging,
) -> Result<Json<PageBody<RowErrorBody>>, Problem> {
    let (flow, after) = (app.flow(), paging.position()?);
    let page = import::errors(&flow, staff.company(), viewer(&staff), id, (after, paging.limit)).await?;
    let errors = page.items.into_iter().map(RowErrorBody::from).collect();
    Ok(Json(paging.page(errors, page.next)))
}
