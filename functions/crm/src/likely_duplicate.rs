//! `/v1/customers/{person_id}/duplicates`: customers who may be the same person (疑似重复).

use axum::Json;
use axum::extract::State;
use domain::crm::likely_duplicate::{DuplicateReason, LikelyDuplicate};
use domain::kernel::id::{MemberId, PersonId};
use domain::radar::feed::visitor_name;
use edge::auth::Staff;
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::list::lister;

/// Customers who may be the same person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LikelyDuplicatesBody {
    /// At most 20, the likeliest first.
    items: Vec<LikelyDuplicateBody>,
}

/// A customer who may be the same person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LikelyDuplicateBody {
    /// The person.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// The company they work for; empty if it is not known.
    company: String,
    /// The mobile number; empty if it is not known, and for whom nobody owns where the company hides it.
    mobile: String,
    /// The member who owns them. `null` in the pool.
    owner_id: Option<MemberId>,
    /// What they have in common: `mobile`, `name`, and beside one of these `company`.
    reasons: Vec<DuplicateReason>,
}

impl From<LikelyDuplicate> for LikelyDuplicateBody {
    fn from(LikelyDuplicate { row, reasons }: LikelyDuplicate) -> Self {
        let name = if row.name.is_empty() { visitor_name(row.person) } else { row.name };
        let owner_id = row.owner.and_then(|owner| owner.member);
        Self { person_id: row.person, name, company: row.company, mobile: row.mobile, owner_id, reasons }
    }
}

/// List the likely duplicates of a customer
///
/// Returns the customers who have the same number or the same name, whatever spaces, points and capitals: those
/// whom the caller sees. Ask for it after adding a customer; `PUT /v1/customers/{person_id}/merge` makes two of
/// them one person. Callers: members, while their radar is on. Idempotent. Errors: 403 `role_required` for
/// visitors; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` for a customer whom the
/// caller does not see.
#[utoipa::path(get, path = "/v1/customers/{person_id}/duplicates", tag = "crm",
    responses((status = 200, body = LikelyDuplicatesBody)))]
pub(crate) async fn list_likely_duplicates(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    PathId(person): PathId<PersonId>,
) -> Result<Json<LikelyDuplicatesBody>, Problem> {
    let found = lister(&staff).likely_duplicates(&app.flow(), person).await?;
    Ok(Json(LikelyDuplicatesBody { items: found.into_iter().map(LikelyDuplicateBody::from).collect() }))
}
