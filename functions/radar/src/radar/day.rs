//! `GET /v1/radar/…/days`: the nine metrics day by day, for charts.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use edge::access::RadarScope;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::radar::metrics::PeriodMetrics;

/// Most days in one answer, today included.
const DAYS_MAX: i32 = 92;
/// Default number of days.
const DAYS_DEFAULT: i32 = 30;

/// The query of days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day in Asia/Shanghai, at most 91 days ago. 29 days before the last day if absent.
    #[param(inline)]
    from: Option<Day>,
    /// The last day in Asia/Shanghai. Today if absent.
    #[param(inline)]
    to: Option<Day>,
}

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
/// future, or more than 91 days ago.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/days", tag = "radar", params(DaysQuery),
    responses((status = 200, body = DailyMetrics)))]
pub(crate) async fn get_card_days(
    State(app): State<App>,
    scope: RadarScope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<DailyMetrics>, Problem> {
    let range = range(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// Get metrics of the company by day
///
/// Returns the nine metrics for each day. People are counted once a day, so the days do not add up
/// to the people of a window. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off; 400 `invalid_query` when the days are in the wrong order, in the future, or
/// more than 91 days ago.
#[utoipa::path(get, path = "/v1/radar/company/days", tag = "radar", params(DaysQuery),
    responses((status = 200, body = DailyMetrics)))]
pub(crate) async fn get_company_days(
    State(app): State<App>,
    scope: RadarScope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<DailyMetrics>, Problem> {
    let range = range(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// Get metrics of a department by day
///
/// Returns the nine metrics for each day. People are counted once a day, so the days do not add up
/// to the people of a window. Counts events on cards that were in the department, or below it, when
/// the event happened. Callers: admins and the boss, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller
/// is off; 400 `invalid_query` when the days are in the wrong order, in the future, or more than 91
/// days ago.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/days", tag = "radar", params(DaysQuery),
    responses((status = 200, body = DailyMetrics)))]
pub(crate) async fn get_department_days(
    State(app): State<App>,
    scope: RadarScope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<DailyMetrics>, Problem> {
    let range = range(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// The wanted days.
fn range(query: Result<Query<DaysQuery>, QueryRejection>, today: Day) -> Result<(Day, Day), Problem> {
    let query = query.ok().and_then(|Query(query)| query.range(today));
    query.ok_or_else(|| Problem::of(Code::InvalidQuery))
}

async fn days(app: &App, scope: RadarScope, (from, to): (Day, Day)) -> Result<DailyMetrics, Failure> {
    let counts = app.store.counters(scope.company(), scope.scope(), from).await?;
    let days = (from.number()..=to.number()).map(Day::from_number);
    Ok(DailyMetrics { days: days.map(|day| PeriodMetrics::of(&counts, Some(day), day)).collect() })
}

impl DaysQuery {
    /// First and last day; `None` if they are in the wrong order or too far back.
    fn range(&self, today: Day) -> Option<(Day, Day)> {
        let to = self.to.unwrap_or(today);
        let oldest = today.plus(1 - DAYS_MAX);
        let from = self.from.unwrap_or(to.plus(1 - DAYS_DEFAULT).max(oldest));
        (oldest <= from && from <= to && to <= today).then_some((from, to))
    }
}
