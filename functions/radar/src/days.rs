//! `GET /v1/radar/…/days`: the nine metrics day by day, for charts.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use domain::day::Day;
use domain::failure::Failure;
use edge::access::RadarScope;
use edge::problem::{Code, Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::metrics::PeriodMetrics;

/// Most days in one answer, today included.
const DAYS_MAX: i32 = 92;
/// How many unless asked otherwise.
const DAYS_DEFAULT: i32 = 30;

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// First day in Asia/Shanghai, at most 91 days ago; 29 days before the last if absent.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Day>,
    /// Last day; today if absent.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<Day>,
}

/// One row per day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Days {
    /// The first day first; days without an event are rows of zeros.
    days: Vec<PeriodMetrics>,
}

/// A card's metrics by day
///
/// Distinct people are distinct on their day: they do not add up to those of a window.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/days", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), DaysQuery),
    responses((status = 200, body = Days), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_days(
    State(app): State<App>,
    scope: RadarScope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<Days>, Problem> {
    let range = range(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// The company's metrics by day
#[utoipa::path(get, path = "/v1/radar/company/days", tag = "radar", security(("bearer" = [])), params(DaysQuery),
    responses((status = 200, body = Days), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_days(
    State(app): State<App>,
    scope: RadarScope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<Days>, Problem> {
    let range = range(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// A department's metrics by day
///
/// What happened on cards while they were in it, or below it. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/days", tag = "radar", security(("bearer" = [])), params(("department_id" = String, Path), DaysQuery),
    responses((status = 200, body = Days), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_department_days(
    State(app): State<App>,
    scope: RadarScope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<Days>, Problem> {
    let range = range(query, Day::of(app.clock.now()))?;
    Ok(Json(days(&app, scope, range).await?))
}

/// The days that are asked for.
fn range(query: Result<Query<DaysQuery>, QueryRejection>, today: Day) -> Result<(Day, Day), Problem> {
    let query = query.ok().and_then(|Query(query)| query.range(today));
    query.ok_or_else(|| Problem::of(Code::InvalidQuery))
}

async fn days(app: &App, scope: RadarScope, (from, to): (Day, Day)) -> Result<Days, Failure> {
    let counts = app.store.counters(scope.company(), scope.scope(), from).await?;
    let days = (from.number()..=to.number()).map(Day::from_number);
    Ok(Days { days: days.map(|day| PeriodMetrics::of(&counts, Some(day), day)).collect() })
}

impl DaysQuery {
    /// First and last day; `None` when they are the wrong way round or too far back.
    fn range(&self, today: Day) -> Option<(Day, Day)> {
        let to = self.to.unwrap_or(today);
        let oldest = today.plus(1 - DAYS_MAX);
        let from = self.from.unwrap_or(to.plus(1 - DAYS_DEFAULT).max(oldest));
        (oldest <= from && from <= to && to <= today).then_some((from, to))
    }
}
