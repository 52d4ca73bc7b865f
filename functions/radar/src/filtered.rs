//! `GET /v1/radar/…/filtered`: how much was left out of the numbers, and why.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::counter::{Counter, Scope};
use domain::day::{Day, Window};
use domain::filter::{FilterReason, RULES};
use domain::id::{CardId, DepartmentId};
use edge::auth::Caller;
use edge::path::PathId;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, scope};

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
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/filtered", tag = "radar",
    responses((status = 200, body = FilteredEvents)))]
pub(crate) async fn get_card_filtered(
    State(app): State<App>,
    caller: Caller,
    PathId(card): PathId<CardId>,
) -> Result<Json<FilteredEvents>, Problem> {
    let scope = scope::of_card(&app, &caller, card).await?;
    filtered(&app, caller.company(), scope).await.map(Json)
}

/// What was left out of the company's numbers
#[utoipa::path(get, path = "/v1/radar/company/filtered", tag = "radar",
    responses((status = 200, body = FilteredEvents)))]
pub(crate) async fn get_company_filtered(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<FilteredEvents>, Problem> {
    let scope = scope::of_company(&caller)?;
    filtered(&app, caller.company(), scope).await.map(Json)
}

/// What was left out of a department's numbers
///
/// What happened on cards while they were in it, or below it. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/filtered", tag = "radar",
    responses((status = 200, body = FilteredEvents)))]
pub(crate) async fn get_department_filtered(
    State(app): State<App>,
    caller: Caller,
    PathId(department): PathId<DepartmentId>,
) -> Result<Json<FilteredEvents>, Problem> {
    let scope = scope::of_department(&app, &caller, department).await?;
    filtered(&app, caller.company(), scope).await.map(Json)
}

async fn filtered(app: &App, company: Company, scope: Scope) -> Result<FilteredEvents, Problem> {
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
