//! `GET /v1/radar/…/heat-map`: when visitors are active, by weekday and hour.

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

/// Events by weekday and hour of the day (客户活跃热力图), in Asia/Shanghai.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveHours {
    /// The first day.
    from: Day,
    /// The last day.
    to: Day,
    /// Seven rows, Monday first.
    weekdays: Vec<HeatMapRow>,
}

/// A day of the week.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeatMapRow {
    /// How many such days are in the range, to compute an average.
    days: usize,
    /// Events in each hour of the day, 24 numbers, midnight first.
    hours: [i64; 24],
}

/// Get active hours of card visitors by weekday
///
/// Returns how many events there were in each hour of each weekday. Callers: the card's owner,
/// admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off; 400 `invalid_query` when
/// the days are in the wrong order, in the future, or more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/heat-map", tag = "radar", params(DaysParams),
    responses((status = 200, body = ActiveHours)))]
pub(crate) async fn get_card_heat_map(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<ActiveHours>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(heat_map(&app, scope, range).await?))
}

/// Get active hours of company visitors by weekday
///
/// Returns how many events there were in each hour of each weekday, on all cards. Callers: admins
/// and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers;
/// 403 `radar_not_active` while the radar of the caller is off; 400 `invalid_query` when the days
/// are in the wrong order, in the future, or more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/company/heat-map", tag = "radar", params(DaysParams),
    responses((status = 200, body = ActiveHours)))]
pub(crate) async fn get_company_heat_map(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<ActiveHours>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(heat_map(&app, scope, range).await?))
}

/// Get active hours of department visitors by weekday
///
/// Returns how many events there were in each hour of each weekday. Counts events on cards that were
/// in the department, or below it, when the event happened. Callers: admins and the boss, while
/// their own radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403
/// `radar_not_active` while the radar of the caller is off; 400 `invalid_query` when the days are in
/// the wrong order, in the future, or more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/heat-map", tag = "radar", params(DaysParams),
    responses((status = 200, body = ActiveHours)))]
pub(crate) async fn get_department_heat_map(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<ActiveHours>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(heat_map(&app, scope, range).await?))
}

async fn heat_map(app: &App, scope: RadarScope, range: DayRange) -> Result<ActiveHours, Failure> {
    let (from, to) = (range.from(), range.to());
    let counts = app.store.counters_of_days(scope.company(), scope.scope(), (from, to)).await?;
    let row =
        |(weekday, hours)| HeatMapRow { days: range.days().filter(|day| day.weekday() == weekday).count(), hours };
    Ok(ActiveHours { from, to, weekdays: counts.heat_map(range).into_iter().enumerate().map(row).collect() })
}
