//! `GET /v1/radar/…/filtered`: how many events are held back, and why.

use domain::kernel::failure::Failure;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::kernel::day::{Day, Window};
use domain::radar::counter::{Counter, Scope};
use domain::tracking::filter::RULES_VERSION;
use domain::tracking::filter_reason::FilterReason;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Events that are held back, wholly or in part (过滤). All are stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilteredEvents {
    /// The version of the filter rules in force.
    rules_version: u16,
    /// The number of events by window, then by reason. A reason without events is 0.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, i64>>)]
    windows: BTreeMap<&'static str, BTreeMap<&'static str, i64>>,
}

/// Count filtered events of a card
///
/// Returns how many events were held back, by window and reason. The feed shows these events with
/// `filtered=only`. Those of `anonymous` and `unknown_share` count all the same. Callers: the card's owner, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/filtered", tag = "radar",
    responses((status = 200, body = FilteredEvents)))]
pub(crate) async fn get_card_filtered(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<FilteredEvents>, Problem> {
    Ok(Json(filtered(&app, scope.company(), scope.scope()).await?))
}

/// Count filtered events of the company
///
/// Returns how many events were held back, by window and reason. The feed shows these events with
/// `filtered=only`. Those of `anonymous` and `unknown_share` count all the same. Callers: admins and the boss, while their own radar is on. Idempotent. Errors:
/// 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/filtered", tag = "radar",
    responses((status = 200, body = FilteredEvents)))]
pub(crate) async fn get_company_filtered(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<FilteredEvents>, Problem> {
    Ok(Json(filtered(&app, scope.company(), scope.scope()).await?))
}

/// Count filtered events of a department
///
/// Returns how many events were held back, by window and reason. Counts events on cards that were
/// in the department, or below it, when the event happened. Callers: admins and the boss, while
/// their own radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/filtered", tag = "radar",
    responses((status = 200, body = FilteredEvents)))]
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
    Ok(FilteredEvents { rules_version: RULES_VERSION, windows })
}
