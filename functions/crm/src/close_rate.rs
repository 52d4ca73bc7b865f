//! `/v1/cards/{card_id}/customers/{person_id}/close-rate`: a rate set by hand (预计成交率).

use axum::Json;
use axum::extract::State;
use domain::close_rate::model::{Rate, Source, effective};
use domain::crm::opportunity::{ManualCloseRate, Opportunity};
use domain::kernel::field::FieldError;
use domain::radar::counter::Scope;
use edge::access::CustomerAccess;
use edge::body::Body;
use edge::opportunity::ManualCloseRateBody;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, editor};

/// A close rate to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateUpdate {
    /// The close rate, a whole number of percent.
    #[schema(value_type = u8, minimum = 0, maximum = 100)]
    percent: Percent,
}

/// A close rate in whole percent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(crate) struct Percent(pub(crate) Rate);

impl From<Percent> for u64 {
    fn from(Percent(rate): Percent) -> Self {
        Self::from(rate.basis_points() / 100)
    }
}

impl TryFrom<u64> for Percent {
    type Error = FieldError;

    fn try_from(percent: u64) -> Result<Self, FieldError> {
        Rate::from_percent(percent).map(Self)
    }
}

/// The close rate that is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RateInForce {
    /// The close rate in hundredths of a percent.
    basis_points: Rate,
    /// Where the rate comes from: `manual`, or `deal` (100 %) for a customer with a closed deal.
    source: Source,
    /// The rate that was set by hand.
    manual: ManualCloseRateBody,
}

impl RateInForce {
    /// The close rate in force if `set` was set last.
    fn of(opportunity: &Opportunity, scope: Scope, set: ManualCloseRate) -> Self {
        let manual = opportunity.set_rate_in(scope).unwrap_or(set);
        let closed = opportunity.closed_on(scope).is_some();
        let (basis_points, source) = effective(closed, Some(manual.rate), manual.rate);
        Self { basis_points, source, manual: manual.into() }
    }
}

/// Set the close rate of a customer
///
/// Sets a close rate by hand. It is shown instead of the rate of the model. A closed deal overrides
/// it. Callers: the card's owner, admins and the boss, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for other callers, and when the person has not visited the card; 403
/// `radar_not_active` while the radar of the caller is off; 409 `request_in_progress` when events
/// of the customer are counted at the same moment.
#[utoipa::path(put, path = "/v1/cards/{card_id}/customers/{person_id}/close-rate", tag = "crm",
    request_body = RateUpdate, responses((status = 200, body = RateInForce)))]
pub(crate) async fn set_close_rate(
    State(app): State<App>,
    access: CustomerAccess,
    Body(RateUpdate { percent: Percent(rate) }): Body<RateUpdate>,
) -> Result<Json<RateInForce>, Problem> {
    let (opportunity, set) = editor(access).set_close_rate(&app.flow(), rate).await?;
    Ok(Json(RateInForce::of(&opportunity, Scope::Card(access.card()), set)))
}

/// Clear the close rate of a customer
///
/// Removes the close rate that was set by hand. The rate of the model is shown again. Callers: the
/// card's owner, admins and the boss, while their own radar is on. Idempotent. Errors: 404
/// `not_found` for other callers, and when the person has not visited the card; 403
/// `radar_not_active` while the radar of the caller is off; 409 `request_in_progress` when events
/// of the customer are counted at the same moment.
#[utoipa::path(delete, path = "/v1/cards/{card_id}/customers/{person_id}/close-rate", tag = "crm",
    responses((status = 204)))]
pub(crate) async fn clear_close_rate(State(app): State<App>, access: CustomerAccess) -> Result<StatusCode, Problem> {
    editor(access).clear_close_rate(&app.flow()).await?;
    Ok(StatusCode::NO_CONTENT)
}
