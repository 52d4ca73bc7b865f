//! `/v1/customers/{person_id}/merge`: two customers who are one person (合并客户).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use domain::crm::profile::ProfileField;
use domain::kernel::id::PersonId;
use edge::access::CustomerCaller;
use edge::body::Body;
use edge::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::customer::{CustomerRecordBody, body};
use crate::{App, record_editor};

/// The customer to merge with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerMerge {
    /// The other customer, who is the same person.
    with: PersonId,
    /// Profile fields of which the values of the other customer count.
    #[serde(default)]
    #[schema(required = false)]
    keep_of_other: BTreeSet<ProfileField>,
}

/// Merge a customer with another one
///
/// The two are one person afterwards, with all visits, follow-ups, tags, deals and their history. Of the
/// profile the values of this customer count, and those of the other one for the named fields and where this
/// customer has none. Admins undo it with `DELETE /v1/merges/{merge_id}`. Callers: members who may change
/// both, while their own radar is on. Idempotent. Errors: 404 `not_found` for callers
/// who may not see them, and when one of the two is no customer; 403 `role_required` for those who may only see them; 403 `radar_not_active` while the radar of the caller is
/// off; 409 `limit_reached` for more than ten identities or too long a history; 409 `customer_erased`
/// for a person who had their data erased; 422 `invalid` for the same
/// customer.
#[utoipa::path(put, path = "/v1/customers/{person_id}/merge", tag = "crm",
    request_body = CustomerMerge, responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn merge_customer(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(CustomerMerge { with, keep_of_other }): Body<CustomerMerge>,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let (known, books) = record_editor(caller).merge_with(&app.flow(), with, &keep_of_other).await?;
    Ok(Json(body(caller, (&known, &books), app.clock.now())))
}
