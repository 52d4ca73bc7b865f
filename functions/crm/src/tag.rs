//! `/v1/customer-tags`: the company's tags of customers (客户标签), and giving them.

use app::company::book::BookEditor;
use axum::Json;
use axum::extract::State;
use domain::crm::tag::{CustomerTag, TagBook, TagIds, TagName};
use domain::kernel::id::TagId;
use edge::access::CustomerCaller;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{BookAdded, RecordRead};
use utoipa::ToSchema;

use crate::customer::{CustomerRecordBody, body};
use crate::{App, record_editor};

/// The name and group of a tag.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagText {
    /// The name, once in its group.
    name: TagName,
    /// The name of the group.
    group: TagName,
}

/// The tag to merge into.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagMerge {
    /// Who has the tag of the path has this one afterwards.
    into: TagId,
}

/// Tags to give to a customer, and to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagsUpdate {
    /// Tags to give.
    #[serde(default)]
    #[schema(required = false)]
    add: TagIds,
    /// Tags to take.
    #[serde(default)]
    #[schema(required = false)]
    remove: TagIds,
}

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagBody {
    /// The id.
    tag_id: TagId,
    /// The name.
    name: TagName,
    /// The name of the group.
    group: TagName,
}

/// The company's tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerTags {
    /// All tags, the first made first; at most 200.
    items: Vec<TagBody>,
}

impl TagBody {
    fn new(tag_id: TagId, CustomerTag { name, group }: CustomerTag) -> Self {
        Self { tag_id, name, group }
    }

    fn of(book: &TagBook) -> Vec<Self> {
        book.iter().map(|(id, tag)| Self::new(id, tag.clone())).collect()
    }
}

fn editor(admin: &Admin) -> BookEditor<TagBook> {
    BookEditor::new(admin.company(), admin.member())
}

/// List the company's customer tags
///
/// Returns all tags with their groups. A new company begins with eleven. Callers: members, while their
/// radar is on. Idempotent. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the
/// radar of the caller is off.
#[utoipa::path(get, path = "/v1/customer-tags", tag = "crm", responses((status = 200, body = CustomerTags)))]
pub(crate) async fn list_customer_tags(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
) -> Result<Json<CustomerTags>, Problem> {
    let book = app.store.book(staff.company(), RecordRead::ToShow).await?;
    Ok(Json(CustomerTags { items: TagBody::of(&book) }))
}

/// Make a customer tag
///
/// Adds a tag to the company's. Callers: members, while their radar is on. Idempotent by
/// `Idempotency-Key`. Errors: 403 `role_required` for visitors; 403 `radar_not_active` while the radar of
/// the caller is off; 409 `limit_reached` with 200 tags; 422 `invalid` when the group has a tag of this
/// name.
#[utoipa::path(post, path = "/v1/customer-tags", tag = "crm", request_body = TagText, params(IdempotencyKey),
    responses((status = 201, body = TagBody)))]
pub(crate) async fn create_customer_tag(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<TagText>,
) -> Result<(StatusCode, Json<TagBody>), Problem> {
    let (TagText { name, group }, request) = once.of(&staff);
    let editor = BookEditor::<TagBook>::new(staff.company(), staff.id());
    let BookAdded { id, entry } = editor.add(&app.flow(), CustomerTag { name, group }, &request).await?;
    Ok((StatusCode::CREATED, Json(TagBody::new(id, entry))))
}

/// Rename a customer tag
///
/// Replaces name and group. Every customer who has the tag has it under the new name at once. Callers:
/// admins and the boss, while their radar is on. Idempotent. Errors: 403 `role_required` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` for a tag that
/// does not exist; 422 `invalid` when the group has a tag of this name.
#[utoipa::path(put, path = "/v1/customer-tags/{tag_id}", tag = "crm", request_body = TagText,
    responses((status = 200, body = TagBody)))]
pub(crate) async fn update_customer_tag(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(id): PathId<TagId>,
    Body(TagText { name, group }): Body<TagText>,
) -> Result<Json<TagBody>, Problem> {
    let tag = CustomerTag { name, group };
    editor(&admin).change(&app.flow(), id, |book| book.change(id, tag.clone())).await?;
    Ok(Json(TagBody::new(id, tag)))
}

/// Delete a customer tag
///
/// No customer has the tag afterwards. Callers: admins and the boss, while their radar is on. Idempotent.
/// Errors: 403 `role_required` for other callers; 403 `radar_not_active` while the radar of the caller is
/// off; 404 `not_found` for a tag that does not exist or was merged; 409 `limit_reached` after 1,000
/// deleted and merged tags.
#[utoipa::path(delete, path = "/v1/customer-tags/{tag_id}", tag = "crm", responses((status = 204)))]
pub(crate) async fn delete_customer_tag(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(id): PathId<TagId>,
) -> Result<StatusCode, Problem> {
    editor(&admin).change(&app.flow(), id, |book| book.remove(id, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Merge a customer tag into another one
///
/// Every customer who has the tag has the other one afterwards. Callers: admins and the boss, while their
/// radar is on. Idempotent. Errors: 403 `role_required` for other callers; 403 `radar_not_active` while the
/// radar of the caller is off; 404 `not_found` when one of the tags does not exist; 409 `limit_reached`
/// after 1,000 deleted and merged tags.
#[utoipa::path(put, path = "/v1/customer-tags/{tag_id}/merge", tag = "crm", request_body = TagMerge,
    responses((status = 204)))]
pub(crate) async fn merge_customer_tag(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(id): PathId<TagId>,
    Body(TagMerge { into }): Body<TagMerge>,
) -> Result<StatusCode, Problem> {
    editor(&admin).change(&app.flow(), id, |book| book.remove(id, Some(into))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give tags to a customer and take others
///
/// A tag in both lists is given. Callers: members whose card the person has visited, admins and the boss,
/// while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers, and for a person who
/// is no customer; 403 `radar_not_active` while the radar of the caller is off; 409 `limit_reached` for more
/// than 50 tags; 422 `invalid` for a tag that does not exist; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/tags", tag = "crm", request_body = TagsUpdate,
    responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn set_customer_tags(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(TagsUpdate { add, remove }): Body<TagsUpdate>,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let set = record_editor(caller).set_tags(&app.flow(), add.as_slice(), remove.as_slice()).await?;
    Ok(Json(body(caller, (&set.0, &set.1), app.clock.now())))
}
