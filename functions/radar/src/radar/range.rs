//! `GET /v1/radar/…/range`: the nine metrics of any days, compared with as many days before.

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::radar::day_range::{DayRange, MONTH_DAYS};
use domain::radar::metrics::ScopeCounts;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::radar::days_query::{DaysParams, DaysRequest, read_days};
use crate::radar::metrics::PeriodMetrics;

/// The nine metrics of any days, and of as many days before for comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RangeComparison {
    #[serde(flatten)]
    range: RangeMetrics,
    /// As many days right before. `null` if they begin more than 399 days ago.
    previous: Option<RangeMetrics>,
}

/// The nine metrics of any days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RangeMetrics {
    #[serde(flatten)]
    metrics: PeriodMetrics,
    /// Whether `visitors` and `customers_talked_to` are exact. `false` only for more than 30 days,
    /// until the next nightly recount has checked what was counted before 2026-11-27: a person who
    /// came again after 30 days or more may be counted twice. All other numbers are exact.
    exact: bool,
}

/// Get metrics of a card for any days
///
/// Returns the nine metrics of all days from `from` to `to`, and of as many days before. People are
/// counted once in the whole range. Callers: the card's owner, admins and the boss, while their own
/// radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while
/// the radar of the caller is off; 400 `invalid_query` when the days are in the wrong order, in the
/// future, or more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/range", tag = "radar", params(DaysParams),
    responses((status = 200, body = RangeComparison)))]
pub(crate) async fn get_card_range(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<RangeComparison>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(compare(&app, scope, range).await?))
}

/// Get metrics of the company for any days
///
/// Returns the nine metrics of all days from `from` to `to`, and of as many days before. People are
/// counted once in the whole range. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off; 400 `invalid_query` when the days are in the wrong order, in the future, or
/// more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/company/range", tag = "radar", params(DaysParams),
    responses((status = 200, body = RangeComparison)))]
pub(crate) async fn get_company_range(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<RangeComparison>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(compare(&app, scope, range).await?))
}

/// Get metrics of a department for any days
///
/// Returns the nine metrics of all days from `from` to `to`, and of as many days before. People are
/// counted once in the whole range. Counts events on cards that were in the department, or below
/// it, when the event happened. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off; 400 `invalid_query` when the days are in the wrong order, in the future, or
/// more than 399 days ago.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/range", tag = "radar", params(DaysParams),
    responses((status = 200, body = RangeComparison)))]
pub(crate) async fn get_department_range(
    State(app): State<App>,
    scope: RadarScope,
    query: DaysRequest,
) -> Result<Json<RangeComparison>, Problem> {
    let range = read_days(query, Day::of(app.clock.now()))?;
    Ok(Json(compare(&app, scope, range).await?))
}

async fn compare(app: &App, scope: RadarScope, range: DayRange) -> Result<RangeComparison, Failure> {
    let before = range.before();
    let first = before.unwrap_or(range).from();
    let counts = if range.length() > MONTH_DAYS {
        // To the lifetime, which tells how the days were checked.
        app.store.counters(scope.company(), scope.scope(), first).await?
    } else {
        app.store.counters_of_days(scope.company(), scope.scope(), (first, range.to())).await?
    };
    let previous = before.map(|before| RangeMetrics::of(&counts, before));
    Ok(RangeComparison { range: RangeMetrics::of(&counts, range), previous })
}

impl RangeMetrics {
    fn of(counts: &ScopeCounts, range: DayRange) -> Self {
        let metrics = PeriodMetrics::of(counts, Some(range.from()), range.to());
        Self { metrics, exact: counts.is_exact(range) }
    }
}
