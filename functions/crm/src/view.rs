//! `/v1/customer-views`: lists of customers that were saved (客户视图).

use app::company::book::BookEditor;
use app::crm::list::CountedView;
use axum::Json;
use axum::extract::State;
use domain::crm::list::{CustomerSort, SortOrder};
use domain::crm::list_filter::CustomerFilter;
use domain::crm::view::{CustomerView, ViewBook};
use domain::kernel::id::ViewId;
use domain::kernel::text::Line;
use edge::auth::Staff;
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::BookAdded;
use utoipa::ToSchema;

use crate::App;
use crate::list::lister;

/// Who may use a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ViewScope {
    /// The member who made it.
    Own,
    /// All members of the company.
    Company,
}

/// A view to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewView {
    /// The name, once among the views of the member or of the company.
    name: Line<20>,
    /// Who may use it.
    scope: ViewScope,
    /// Which customers it has.
    filter: CustomerFilter,
    /// What it is sorted by: `added` if absent.
    sort: Option<CustomerSort>,
    /// Which end comes first: `desc` if absent.
    order: Option<SortOrder>,
}

/// What a view becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewUpdate {
    /// The name.
    name: Line<20>,
    /// Which customers it has.
    filter: CustomerFilter,
    /// What it is sorted by: `added` if absent.
    sort: Option<CustomerSort>,
    /// Which end comes first: `desc` if absent.
    order: Option<SortOrder>,
}

/// A view.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewBody {
    /// The id.
    view_id: ViewId,
    /// The name.
    name: Line<20>,
    /// Which customers it has.
    filter: CustomerFilter,
    /// What it is sorted by.
    sort: CustomerSort,
    /// Which end comes first.
    order: SortOrder,
}

/// A view in the list of views.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountedViewBody {
    /// Who may use it.
    scope: ViewScope,
    /// How many customers it has for the caller.
    customers: usize,
    /// The view.
    #[serde(flatten)]
    view: ViewBody,
}

/// The views that the caller may use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerViews {
    /// Their own, the first made first, then those of the company; at most 30 of each.
    items: Vec<CountedViewBody>,
}

impl ViewBody {
    fn new(view_id: ViewId, CustomerView { name, filter, sort, order }: CustomerView) -> Self {
        Self { view_id, name, filter, sort, order }
    }
}

impl From<CountedView> for CountedViewBody {
    fn from(CountedView { id, is_own, view, customers }: CountedView) -> Self {
        let scope = if is_own { ViewScope::Own } else { ViewScope::Company };
        Self { scope, customers, view: ViewBody::new(id, view) }
    }
}

impl ViewUpdate {
    /// The view, if its filter can be.
    fn view(self) -> Result<CustomerView, Problem> {
        let filter = self.filter.check().map_err(|error| Problem::field("/filter", &error))?;
        let (sort, order) = (self.sort.unwrap_or(CustomerSort::Added), self.order.unwrap_or(SortOrder::Descending));
        Ok(CustomerView { name: self.name, filter, sort, order })
    }
}

impl NewView {
    /// The view, and the editor of the book it belongs to.
    fn place(self, staff: &Staff) -> Result<(CustomerView, BookEditor<ViewBook>), Problem> {
        let (company, member) = (staff.company(), staff.id());
        let editor = match self.scope {
            ViewScope::Own => BookEditor::own(company, member),
            ViewScope::Company if staff.is_admin() => BookEditor::new(company, member),
            ViewScope::Company => return Err(Problem::of(Code::RoleRequired)),
        };
        let Self { name, filter, sort, order, .. } = self;
        Ok((ViewUpdate { name, filter, sort, order }.view()?, editor))
    }
}

/// List the saved views of customers
///
/// Returns the views of the caller and those of the company, each with the number of customers that the
/// caller sees in it. Callers: members, while their radar is on. Idempotent. Errors: 403 `role_required` for
/// visitors; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/customer-views", tag = "crm", responses((status = 200, body = CustomerViews)))]
pub(crate) async fn list_customer_views(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
) -> Result<Json<CustomerViews>, Problem> {
    let views = lister(&staff).views(&app.flow()).await?;
    Ok(Json(CustomerViews { items: views.into_iter().map(CountedViewBody::from).collect() }))
}

/// Save a view of customers
///
/// Saves a filter with its order, for the caller or for all members. Callers: members, while their radar is
/// on; for the company, admins and the boss. Idempotent by `Idempotency-Key`. Errors: 403 `role_required`
/// for other callers; 403 `radar_not_active` while the radar of the caller is off; 409 `limit_reached` with
/// 30 views; 422 `invalid` for a name that is taken, and for a range that ends before it begins.
#[utoipa::path(post, path = "/v1/customer-views", tag = "crm", request_body = NewView, params(IdempotencyKey),
    responses((status = 201, body = ViewBody)))]
pub(crate) async fn create_customer_view(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<NewView>,
) -> Result<(StatusCode, Json<ViewBody>), Problem> {
    let (new, request) = once.of(&staff);
    let (view, editor) = new.place(&staff)?;
    let BookAdded { id, entry } = editor.add(&app.flow(), view, &request).await?;
    Ok((StatusCode::CREATED, Json(ViewBody::new(id, entry))))
}

/// Replace a view of customers
///
/// Replaces name, filter and order. Callers: members for their own views, admins and the boss for those of
/// the company too, while their radar is on. Idempotent. Errors: 403 `role_required` for a view of the
/// company and other callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found`
/// for a view that does not exist, or is a colleague's; 422 `invalid` for a name that is taken, and for a
/// range that ends before it begins.
#[utoipa::path(put, path = "/v1/customer-views/{view_id}", tag = "crm", request_body = ViewUpdate,
    responses((status = 200, body = ViewBody)))]
pub(crate) async fn update_customer_view(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<ViewId>,
    Body(update): Body<ViewUpdate>,
) -> Result<Json<ViewBody>, Problem> {
    let (flow, view) = (app.flow(), update.view()?);
    let editor = lister(&staff).editor_of(&flow, id).await?;
    let stands = editor.change(&flow, id, |book| book.change(id, &view)).await?;
    Ok(Json(ViewBody::new(id, stands.unwrap_or(view))))
}

/// Delete a view of customers
///
/// Callers: members for their own views, admins and the boss for those of the company too, while their
/// radar is on. Idempotent: a second call answers 404. Errors: 403 `role_required` for a view of the company
/// and other callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` for a view
/// that does not exist, or is a colleague's.
#[utoipa::path(delete, path = "/v1/customer-views/{view_id}", tag = "crm", responses((status = 204)))]
pub(crate) async fn delete_customer_view(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(id): PathId<ViewId>,
) -> Result<StatusCode, Problem> {
    let flow = app.flow();
    let editor = lister(&staff).editor_of(&flow, id).await?;
    editor.change(&flow, id, |book| book.remove(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
