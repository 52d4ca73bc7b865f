//! `/v1/cards/{card_id}/customers/{person_id}/close-rate`: a rate set by hand (预计成交率).

use axum::Json;
use axum::extract::State;
use domain::close_rate::{Rate, Source, effective};
use domain::counter::Scope;
use domain::dealings::{Dealings, SetRate};
use domain::field::FieldError;
use edge::access::CustomerAccess;
use edge::body::Body;
use edge::dealings::SetRateBody;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, editor};

/// A rate to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateUpdate {
    /// A whole number, 0 to 100.
    #[schema(value_type = u8, minimum = 0, maximum = 100)]
    percent: Percent,
}

/// A close rate in whole percent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Percent(Rate);

impl TryFrom<u64> for Percent {
    type Error = FieldError;

    fn try_from(percent: u64) -> Result<Self, FieldError> {
        Rate::from_percent(percent).map(Self)
    }
}

/// The close rate in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RateInForce {
    /// Hundredths of a percent, 0 to 10,000.
    #[schema(value_type = u16)]
    basis_points: Rate,
    /// `manual`; `deal` for a customer with a closed deal, who is at 100 % whatever is set.
    #[schema(value_type = String)]
    source: Source,
    /// What is set by hand.
    manual: SetRateBody,
}

impl RateInForce {
    /// The rate in force when `set` is what was set last.
    fn of(dealings: &Dealings, scope: Scope, set: SetRate) -> Self {
        let manual = dealings.set_rate_in(scope).unwrap_or(set);
        let closed = dealings.closed_on(scope).is_some();
        let (basis_points, source) = effective(closed, Some(manual.rate), manual.rate);
        Self { basis_points, source, manual: manual.into() }
    }
}

/// Set the close rate of a customer
///
/// By hand, instead of the model's. For the card's owner, admins and the boss, while
/// their radar is on. The same again changes nothing.
#[utoipa::path(put, path = "/v1/cards/{card_id}/customers/{person_id}/close-rate", tag = "crm", security(("bearer" = [])),
    params(("card_id" = String, Path), ("person_id" = String, Path)), request_body = RateUpdate,
    responses((status = 200, body = RateInForce), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn set_close_rate(
    State(app): State<App>,
    access: CustomerAccess,
    Body(RateUpdate { percent: Percent(rate) }): Body<RateUpdate>,
) -> Result<Json<RateInForce>, Problem> {
    let (dealings, set) = editor(access).set_close_rate(&app.flow(), rate).await?;
    Ok(Json(RateInForce::of(&dealings, Scope::Card(access.card()), set)))
}

/// Take back the close rate of a customer
///
/// The model's is in force again. Again it changes nothing.
#[utoipa::path(delete, path = "/v1/cards/{card_id}/customers/{person_id}/close-rate", tag = "crm", security(("bearer" = [])),
    params(("card_id" = String, Path), ("person_id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn clear_close_rate(State(app): State<App>, access: CustomerAccess) -> Result<StatusCode, Problem> {
    editor(access).clear_close_rate(&app.flow()).await?;
    Ok(StatusCode::NO_CONTENT)
}
