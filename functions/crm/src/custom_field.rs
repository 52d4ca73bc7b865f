//! `/v1/customer-fields`: fields that a company adds to its customers (自定义字段), and filling them in.

use std::collections::BTreeMap;

use app::company::book::BookEditor;
use axum::Json;
use axum::extract::State;
use domain::company::book::CompanyBook;
use domain::crm::custom_field::{
    CustomField, CustomFieldBook, CustomFieldKind, CustomFieldName, OptionDraft, OptionNumber,
};
use domain::kernel::field::FieldError;
use domain::kernel::id::CustomFieldId;
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::{Code, FieldProblem, Problem};
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{BookAdded, RecordRead};
use utoipa::ToSchema;

use crate::customer::{CustomerRecordBody, body};
use crate::{App, record_editor};

/// A new field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCustomField {
    /// The name, once in the company.
    name: CustomFieldName,
    /// What it holds.
    kind: CustomFieldKind,
    /// What can be chosen, for `one_of` and `some_of`: 1 to 50 options.
    #[serde(default)]
    #[schema(required = false)]
    options: Vec<OptionText>,
}

/// A field as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomFieldUpdate {
    /// The name, once in the company.
    name: CustomFieldName,
    /// What can be chosen. Customers lose an option that is left out.
    #[serde(default)]
    #[schema(required = false)]
    options: Vec<OptionText>,
}

/// An option of a field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptionText {
    /// Its number; without one it is a new option.
    number: Option<OptionNumber>,
    /// Its name, once in the field.
    name: CustomFieldName,
}

/// Values to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomValuesUpdate {
    /// A text for each field that is set; an empty one clears it. Numbers are decimal (`12.5`), days
    /// `YYYY-MM-DD`, options are named by their numbers, for `some_of` with `;` between them (`1;3`).
    values: BTreeMap<CustomFieldId, String>,
}

/// An earlier value of a field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormerCustomValue {
    /// The field.
    field_id: CustomFieldId,
    /// When the value was set: `set_at` of one of `before`.
    set_at: Timestamp,
}

/// A field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomFieldBody {
    /// The id.
    field_id: CustomFieldId,
    /// The name.
    name: CustomFieldName,
    /// What it holds.
    kind: CustomFieldKind,
    /// What can be chosen.
    options: Vec<FieldOptionBody>,
}

/// An option.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldOptionBody {
    /// Its number, which never changes.
    number: OptionNumber,
    /// Its name.
    name: CustomFieldName,
}

/// The fields of the company's own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomFields {
    /// All fields, the first made first; at most 20.
    items: Vec<CustomFieldBody>,
}

impl CustomFieldBody {
    fn new(field_id: CustomFieldId, field: CustomField) -> Self {
        let options = field.options.into_iter().map(|(number, name)| FieldOptionBody { number, name });
        Self { field_id, name: field.name, kind: field.kind, options: options.collect() }
    }
}

impl From<OptionText> for OptionDraft {
    fn from(OptionText { number, name }: OptionText) -> Self {
        Self { number, name }
    }
}

fn drafts(options: Vec<OptionText>) -> Vec<OptionDraft> {
    options.into_iter().map(OptionDraft::from).collect()
}

fn editor(admin: &Admin) -> BookEditor<CustomFieldBook> {
    BookEditor::new(admin.company(), admin.member())
}

impl CustomValuesUpdate {
    /// The values as they are stored.
    fn parse(&self, book: &CustomFieldBook) -> Result<BTreeMap<CustomFieldId, String>, Problem> {
        let (mut values, mut errors) = (BTreeMap::new(), Vec::new());
        for (id, text) in &self.values {
            let field = book.entry(*id).ok_or_else(|| FieldError::new("unknown_field", "字段不存在或已删除"));
            match field.and_then(|field| field.parse(text)) {
                Ok(value) => drop(values.insert(*id, value)),
                Err(error) => errors.push(FieldProblem::new(&format!("/values/{id}"), &error)),
            }
        }
        if errors.is_empty() { Ok(values) } else { Err(Problem::invalid(errors)) }
    }
}

/// List the company's own customer fields
///
/// Returns all fields with their options. Callers: members, while their radar is on. Idempotent. Errors:
/// 403 `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/customer-fields", tag = "crm", responses((status = 200, body = CustomFields)))]
pub(crate) async fn list_customer_fields(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
) -> Result<Json<CustomFields>, Problem> {
    let book: CustomFieldBook = app.store.book(staff.company(), RecordRead::ToShow).await?;
    let items = book.iter().map(|(id, field)| CustomFieldBody::new(id, field.clone())).collect();
    Ok(Json(CustomFields { items }))
}

/// Make a customer field
///
/// Adds a field to the company's customers. Callers: admins and the boss, while their radar is on.
/// Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for other callers; 403 `radar_not_active`
/// while the radar of the caller is off; 409 `limit_reached` with 20 fields; 422 `invalid` for a name that
/// is taken, and for options that the kind cannot have.
#[utoipa::path(post, path = "/v1/customer-fields", tag = "crm", request_body = NewCustomField,
    params(IdempotencyKey), responses((status = 201, body = CustomFieldBody)))]
pub(crate) async fn create_customer_field(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    once: IdempotentRequest<NewCustomField>,
) -> Result<(StatusCode, Json<CustomFieldBody>), Problem> {
    let (NewCustomField { name, kind, options }, request) = once.of(&admin);
    let field = CustomField::new(name, kind, &drafts(options)).map_err(|error| Problem::field("", &error))?;
    let BookAdded { id, entry } = editor(&admin).add(&app.flow(), field, &request).await?;
    Ok((StatusCode::CREATED, Json(CustomFieldBody::new(id, entry))))
}

/// Change a customer field
///
/// Replaces name and options; the kind stays. Customers show the new names at once. Callers: admins and the
/// boss, while their radar is on. Idempotent but for new options. Errors: 403 `role_required` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` for a field that
/// does not exist; 422 `invalid` for a name that is taken, and for options that the kind cannot have.
#[utoipa::path(put, path = "/v1/customer-fields/{field_id}", tag = "crm", request_body = CustomFieldUpdate,
    responses((status = 200, body = CustomFieldBody)))]
pub(crate) async fn update_customer_field(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(id): PathId<CustomFieldId>,
    Body(CustomFieldUpdate { name, options }): Body<CustomFieldUpdate>,
) -> Result<Json<CustomFieldBody>, Problem> {
    let options = drafts(options);
    let change = |book: &CustomFieldBook| book.change(id, &name, &options);
    let field = editor(&admin).change(&app.flow(), id, change).await?;
    Ok(Json(CustomFieldBody::new(id, field.ok_or_else(|| Problem::of(Code::NotFound))?)))
}

/// Delete a customer field
///
/// No customer has the field afterwards. Callers: admins and the boss, while their radar is on. Idempotent:
/// a second call answers 404. Errors: 403 `role_required` for other callers; 403 `radar_not_active` while the radar of the caller is off; 404
/// `not_found` for a field that does not exist.
#[utoipa::path(delete, path = "/v1/customer-fields/{field_id}", tag = "crm", responses((status = 204)))]
pub(crate) async fn delete_customer_field(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(id): PathId<CustomFieldId>,
) -> Result<StatusCode, Problem> {
    editor(&admin).change(&app.flow(), id, |book| book.remove(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fill in the company's own fields
///
/// Sets the fields that are given. Each keeps its last five values, with who set them. Callers: members
/// whose card the person has visited, admins and the boss, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for other callers, and for a person who is no customer; 403
/// `radar_not_active` while the radar of the caller is off; 422 `invalid` for each wrong value; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/custom-fields", tag = "crm",
    request_body = CustomValuesUpdate, responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn set_custom_fields(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(update): Body<CustomValuesUpdate>,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let (known, books) = record_editor(caller).set_custom_fields(&app.flow(), |book| update.parse(book)).await?;
    Ok(Json(body(caller, (&known, &books), app.clock.now())))
}

/// Restore an earlier value of a customer field
///
/// Sets a field to the value that was set at `set_at`. Callers: members whose card the person has
/// visited, admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for
/// other callers, for a person who is no customer, and for a value that is not kept; 403
/// `radar_not_active` while the radar of the caller is off; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/custom-fields/restored-value", tag = "crm",
    request_body = FormerCustomValue, responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn restore_custom_value(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(FormerCustomValue { field_id, set_at }): Body<FormerCustomValue>,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let (known, books) = record_editor(caller).restore_custom_value(&app.flow(), field_id, set_at).await?;
    Ok(Json(body(caller, (&known, &books), app.clock.now())))
}
