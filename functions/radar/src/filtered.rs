//! `GET /v1/radar/…/filtered`: how much was left out of the numbers, and why.

use domain::failure::Failure;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::counter::{Counter, Scope};
use domain::day::{Day, Window};
use domain::filter::{FilterReason, RULES};
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What is kept but not counted (过滤).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilteredEvents {
    /// Version of the rules in force.
    rules_version: u16,
    /// By window and reason; a reason without an event is 0.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, i64>>)]
    windows: BTreeMap<&'static str, BTreeMap<&'static str, i64>>,
}

/// What was left out of a card's numbers
///
/// Events by reason: `bot`, `own`, `colleague`, `burst`. The feed shows them with
/// `filtered=only`.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/filtered", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path)),
    responses((status = 200, body = FilteredEvents), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_filtered(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<FilteredEvents>, Problem> {
    Ok(Json(filtered(&app, scope.company(), scope.scope()).await?))
}

/// What was left out of the company's numbers
#[utoipa::path(get, path = "/v1/radar/company/filtered", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = FilteredEvents), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_filtered(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<FilteredEvents>, Problem> {
    Ok(Json(filtered(&app, scope.company(), scope.scope()).await?))
}

/// What was left out of a department's numbers
///
/// What happened on cards while they were in it, or below it. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/filtered", tag = "radar", security(("bearer" = [])), params(("department_id" = String, Path)),
    responses((status = 200, body = FilteredEvents), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_department_filtered(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<FilteredEvents>, Problem> {
    Ok(Json(filtered(&app, scope.company(), scope.scope()).await?))
}

async fn filtered(app: &App, company: Company, scope: Scope) -> Result<FilteredEvents, Failure> {
    let today = Day::of(app.clock.now());
    let first = Window::Last30Days.days(today).0.unwrap_or(today);
    let counts = app.store.counters(company, scope, first).await?;
    let by_reason = |window: Window| {
        let sum = |reason| counts.in_window(window, today, Counter::Filtered(reason));
        FilterReason::ALL.iter().map(|reason| (reason.name(), sum(*reason))).collect()
    };
    let windows = Window::ALL.iter().map(|window| (window.name(), by_reason(*window))).collect();
    Ok(FilteredEvents { rules_version: RULES.version, windows })
}
