//! `GET /v1/radar/…/days`: the nine metrics day by day, for charts.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use domain::company::Company;
use domain::counter::Scope;
use domain::day::Day;
use domain::id::{CardId, DepartmentId};
use edge::auth::Caller;
use edge::path::PathId;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::metrics::PeriodMetrics;
use crate::{App, scope};

/// Most days in one answer, today included.
const DAYS_MAX: i32 = 92;
/// How many unless asked otherwise.
const DAYS_DEFAULT: i32 = 30;

/// Which days.
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
pub(crate) struct Days {
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
    responses((status = 200, body = Days)))]
pub(crate) async fn get_card_days(
    State(app): State<App>,
    caller: Caller,
    PathId(card): PathId<CardId>,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<Days>, Problem> {
    let scope = scope::of_card(&app, &caller, card).await?;
    days(&app, caller.company(), scope, query).await.map(Json)
}

/// Get metrics of the company by day
///
/// Returns the nine metrics for each day. People are counted once a day, so the days do not add up
/// to the people of a window. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off; 400 `invalid_query` when the days are in the wrong order, in the future, or
/// more than 91 days ago.
#[utoipa::path(get, path = "/v1/radar/company/days", tag = "radar", params(DaysQuery),
    responses((status = 200, body = Days)))]
pub(crate) async fn get_company_days(
    State(app): State<App>,
    caller: Caller,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<Days>, Problem> {
    let scope = scope::of_company(&caller)?;
    days(&app, caller.company(), scope, query).await.map(Json)
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
    responses((status = 200, body = Days)))]
pub(crate) async fn get_department_days(
    State(app): State<App>,
    caller: Caller,
    PathId(department): PathId<DepartmentId>,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Json<Days>, Problem> {
    let scope = scope::of_department(&app, &caller, department).await?;
    days(&app, caller.company(), scope, query).await.map(Json)
}

async fn days(
    app: &App,
    company: Company,
    scope: Scope,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Result<Days, Problem> {
    let Query(query) = query.map_err(|_| Problem::of(Code::InvalidQuery))?;
    let (from, to) = query.range(Day::of(app.clock.now())).ok_or_else(|| Problem::of(Code::InvalidQuery))?;
    let counts = app.store.counters(company, scope, from).await?;
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
