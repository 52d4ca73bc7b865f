//! `/v1/customer-exports`: lists of customers as files (导出客户).

use app::crm::export::{self, Export};
use app::crm::list::WantedList;
use axum::Json;
use axum::extract::State;
use domain::crm::export::{EXPORT_LINK_MS, export_key};
use domain::crm::list::{CustomerSort, ListQuery, SortOrder};
use domain::crm::list_filter::CustomerFilter;
use domain::kernel::field::FieldError;
use domain::kernel::id::{JobId, ViewId};
use domain::kernel::timestamp::Timestamp;
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
use crate::job::{JobBody, starter, viewer};

/// A list to export: by filter and order, or as it was saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExport {
    /// Which customers it has: all whom the caller sees, if absent.
    #[serde(default)]
    #[schema(required = false)]
    filter: CustomerFilter,
    /// What it is sorted by: `added` if absent.
    sort: Option<CustomerSort>,
    /// Which end comes first: `desc` if absent.
    order: Option<SortOrder>,
    /// The list that was saved as this view. It stands alone: no filter and no order beside it.
    view_id: Option<ViewId>,
}

/// An export.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportBody {
    /// The job.
    job: JobBody,
    /// The file. `null` until the job is done, and a day later.
    file: Option<ExportFileBody>,
}

/// The file of an export: CSV in UTF-8 with a mark.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportFileBody {
    /// The address of the file. It is valid for 15 minutes at most; do not store it, ask again.
    #[schema(format = "uri")]
    url: String,
    /// Until when the file can be fetched.
    available_until: Timestamp,
}

impl NewExport {
    fn wanted(self) -> Result<WantedList, Problem> {
        let filter = self.filter.check().map_err(|error| Problem::field("/filter", &error))?;
        if let Some(view) = self.view_id {
            let is_alone = filter.is_open() && self.sort.is_none() && self.order.is_none();
            let error = FieldError::new("not_allowed", "请选择视图或筛选条件中的一种");
            return is_alone.then_some(WantedList::View(view)).ok_or_else(|| Problem::field("/filter", &error));
        }
        let (sort, order) = (self.sort.unwrap_or(CustomerSort::Added), self.order.unwrap_or(SortOrder::Descending));
        Ok(WantedList::Query(Box::new(ListQuery { filter, sort, order })))
    }
}

/// Export a list of customers
///
/// Starts a job that writes a list into a CSV file, as the caller sees it then: the columns that lists show, of
/// at most 100,000 customers. The audit log names the list. Poll `GET /v1/customer-exports/{job_id}` for the
/// file; it begins within a minute, and the file is deleted after a day. Callers: members, while their radar is
/// on. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while
/// the radar of the caller is off; 404 `not_found` for a view that the caller may not use; 409 `limit_reached`
/// with 50 open jobs of the company; 422 `invalid` for a filter beside a view, and for a range that ends before it
/// begins.
#[utoipa::path(post, path = "/v1/customer-exports", tag = "crm",
    extensions(("x-budgets" = json!(["customer_exports"]))), request_body = NewExport, params(IdempotencyKey),
    responses((status = 202, body = JobBody)))]
pub(crate) async fn create_export(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<NewExport>,
) -> Result<(StatusCode, Json<JobBody>), Problem> {
    let (new, request) = once.of(&staff);
    let started = export::start(&app.flow(), staff.company(), starter(&staff), &new.wanted()?, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// Get an export
///
/// Returns how far an export is, and the address of its file. Callers: the member who started it, and the boss,
/// while their radar is on. Idempotent. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while
/// the radar of the caller is off; 404 `not_found` for other members, and for other jobs.
#[utoipa::path(get, path = "/v1/customer-exports/{job_id}", tag = "crm", responses((status = 200, body = ExportBody)))]
pub(crate) async fn get_export(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<JobId>,
) -> Result<Json<ExportBody>, Problem> {
    let by = (viewer(&staff), staff.is_boss());
    let Export { job, until } = export::find(&app.flow(), staff.company(), by, id).await?;
    let signer = app.media.signer(app.clock.now()).await?;
    let url = signer.get(&export_key(staff.company(), id), EXPORT_LINK_MS);
    let file = until.map(|available_until| ExportFileBody { url, available_until });
    Ok(Json(ExportBody { job: job.into(), file }))
}
