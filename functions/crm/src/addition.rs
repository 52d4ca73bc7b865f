//! `/v1/customers`: customers whom members add (添加客户).

use app::crm::addition::{CustomerAdder, CustomerToAdd};
use axum::Json;
use axum::extract::State;
use domain::crm::profile::ProfileField;
use domain::crm::tag::TagIds;
use domain::crm::viewer::Viewer;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::auth::Staff;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::customer::ProfileUpdate;
use crate::expectation::ExpectedCloseUpdate;
use crate::{App, record_editor};

/// A customer to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCustomerBody {
    /// What is known of them. The name is required.
    profile: ProfileUpdate,
    /// Tags to give them.
    #[serde(default)]
    #[schema(required = false)]
    tags: TagIds,
    /// When a deal is expected, and of which amount.
    expected_close: Option<ExpectedCloseUpdate>,
    /// The card whose customer they become. The card of the caller if absent; admins and the boss can
    /// name any card, and without a card they add a customer of the company alone.
    card_id: Option<CardId>,
}

/// A customer who was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerAddedBody {
    /// The person, for `/v1/customers/{person_id}`.
    person_id: PersonId,
}

impl NewCustomerBody {
    fn checked(self, now: Timestamp) -> Result<CustomerToAdd, Problem> {
        let texts = self.profile.texts("/profile")?;
        if texts.get(&ProfileField::Name).is_none_or(String::is_empty) {
            return Err(Problem::field("/profile/name", &FieldError::new("required", "请填写客户姓名")));
        }
        let expectation = self.expected_close.map(ExpectedCloseUpdate::update).unwrap_or_default();
        let expectation = expectation.check(now).map_err(|error| Problem::field("/expected_close", &error))?;
        let tags = self.tags.as_slice().to_vec();
        Ok(CustomerToAdd { texts, tags, expectation, card: self.card_id, ..CustomerToAdd::default() })
    }
}

fn adder(staff: &Staff) -> CustomerAdder {
    let viewer = Viewer { member: staff.id(), card: staff.card(), admin: staff.is_admin() };
    CustomerAdder { company: staff.company(), viewer }
}

/// Add a customer
///
/// Adds somebody who has not visited yet. They are a customer of the card at once. When a visitor grants
/// the phone number later, the two become one person. Callers: members, while their radar is on.
/// Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for visitors, and for a colleague's card;
/// 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` for an unknown card; 409
/// `duplicate` when the phone number belongs to a customer, with `person_id` if the caller may see them; 422
/// `invalid` for each wrong value, and for a caller without a card who is no admin.
#[utoipa::path(post, path = "/v1/customers", tag = "crm",
    extensions(("x-budgets" = json!(["added_customers"]))), request_body = NewCustomerBody, params(IdempotencyKey),
    responses((status = 201, body = CustomerAddedBody)))]
pub(crate) async fn create_customer(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    once: IdempotentRequest<NewCustomerBody>,
) -> Result<(StatusCode, Json<CustomerAddedBody>), Problem> {
    let ((new, request), flow) = (once.of(&staff), app.flow());
    let person_id = adder(&staff).add(&flow, &new.checked(flow.now)?, &request).await?;
    Ok((StatusCode::CREATED, Json(CustomerAddedBody { person_id })))
}

/// Take back the addition of a customer
///
/// Removes a customer whom a member has added, as long as nothing of them has changed. Callers: the member
/// who added them, admins and the boss, while their own radar is on. Not idempotent: the second request gets
/// 404. Errors: 403 `role_required` for a colleague's addition; 403 `radar_not_active` while the radar of
/// the caller is off; 404 `not_found` for callers who may not see the customer, and for a person who is no
/// customer; 409 `customer_changed` for a customer who has visited or was changed since; 409
/// `version_conflict` when they are changed at the same moment.
#[utoipa::path(delete, path = "/v1/customers/{person_id}", tag = "crm", responses((status = 204)))]
pub(crate) async fn delete_customer(State(app): State<App>, caller: CustomerCaller) -> Result<StatusCode, Problem> {
    record_editor(caller).revoke_addition(&app.flow()).await?;
    Ok(StatusCode::NO_CONTENT)
}
