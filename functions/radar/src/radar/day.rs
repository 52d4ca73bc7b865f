//! `GET /v1/radar/…/days`: the nine metrics day by day, for charts.

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::radar::day_range::DayRange;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::radar::days_query::{DaysParams, DaysRequest, read_days};
use crate::radar::metrics::PeriodMetrics;

/// Metrics by day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DailyMetrics {
    /// One row for each day, the first day first. A day without events has zeros.
    days: Vec<PeriodMetrics>,
}

/// Get metrics of a card by day
///
/// Returns the nine metrics for each day. People are counted once a day, so the days do not add up
/// to the people of a window. Callers: the card's owner, admins and the boss, while their own radar
/// is on. Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the
/// radar of the caller is off; 400 `invalid_query` when the days are in the wrong order, in the
/// future, or more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/days", tag = "radar", params(DaysParams),
    responses((status = 200, body = DailyMetrics)))]
pub(crate) async fn get_card_days(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<DailyMetrics>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// Get metrics of the company by day
///
/// Returns the nine metrics for each day. People are counted once a day, so the days do not add up
/// to the people of a window. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off; 400 `invalid_query` when the days are in the wrong order, in the future, or
/// more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/company/days", tag = "radar", params(DaysParams),
    responses((status = 200, body = DailyMetrics)))]
pub(crate) async fn get_company_days(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<DailyMetrics>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// Get metrics of a department by day
///
/// Returns the nine metrics for each day. People are counted once a day, so the days do not add up
/// to the people of a window. Counts events on cards that were in the department, or below it, when
/// the event happened. Callers: admins and the boss, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller
/// is off; 400 `invalid_query` when the days are in the wrong order, in the future, or more than 399
/// days ago.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/days", tag = "radar", params(DaysParams),
    responses((status = 200, body = DailyMetrics)))]
pub(crate) async fn get_department_days(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<DailyMetrics>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

async fn days(app: &App, scope: RadarScope, range: DayRange) -> Result<DailyMetrics, Failure> {
    let between = (range.from(), range.to());
    let counts = app.store.counters_of_days(scope.company(), scope.scope(), between).await?;
    Ok(DailyMetrics { days: range.days().map(|day| PeriodMetrics::of(&counts, Some(day), day)).collect() })
}
