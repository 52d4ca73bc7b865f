//! `GET /v1/radar/…/today`: today's overview (今日概况).

use domain::kernel::failure::Failure;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::kernel::day::Day;
use domain::radar::counter::{Audience, Counter, Scope};
use domain::radar::metrics::count;
use domain::tracking::event::EventKind;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The numbers of the current day in Asia/Shanghai.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Today {
    /// The day.
    day: Day,
    /// Distinct people with a view.
    visitors: i64,
    /// Visitors who had never come before.
    new_visitors: i64,
    /// Views.
    views: i64,
    /// Distinct people who opened a chat.
    talked_to: i64,
    /// Forwards.
    forwards: i64,
    /// Phone numbers that were saved for the first time.
    saves: i64,
    /// Likes of today that were not removed.
    likes: i64,
    /// The time that visitors stayed, in milliseconds.
    dwell_ms: i64,
    /// Events by kind. A kind without events is 0.
    #[schema(value_type = BTreeMap<String, i64>)]
    by_kind: BTreeMap<&'static str, i64>,
}

/// Get today's overview of a card
///
/// Returns the numbers of the current day in Asia/Shanghai. Callers: the card's owner, admins and
/// the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers;
/// 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/today", tag = "radar", responses((status = 200, body = Today)))]
pub(crate) async fn get_card_today(State(app): State<App>, scope: RadarScope) -> Result<Json<Today>, Problem> {
    Ok(Json(today(&app, scope.company(), scope.scope()).await?))
}

/// Get today's overview of the company
///
/// Returns the numbers of the current day in Asia/Shanghai. Callers: admins and the boss, while
/// their own radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/today", tag = "radar", responses((status = 200, body = Today)))]
pub(crate) async fn get_company_today(State(app): State<App>, scope: RadarScope) -> Result<Json<Today>, Problem> {
    Ok(Json(today(&app, scope.company(), scope.scope()).await?))
}

/// Get today's overview of a department
///
/// Returns the numbers of the current day in Asia/Shanghai. Counts events on cards that were in the
/// department, or below it, when the event happened. Callers: admins and the boss, while their own
/// radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while
/// the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/today", tag = "radar",
    responses((status = 200, body = Today)))]
pub(crate) async fn get_department_today(State(app): State<App>, scope: RadarScope) -> Result<Json<Today>, Problem> {
    Ok(Json(today(&app, scope.company(), scope.scope()).await?))
}

async fn today(app: &App, company: Company, scope: Scope) -> Result<Today, Failure> {
    let day = Day::of(app.clock.now());
    let counts = app.store.counters(company, scope, day).await?.day(day);
    let of = |counter| count(&counts, counter);
    Ok(Today {
        day,
        visitors: of(Counter::People(Audience::Visitors)),
        new_visitors: of(Counter::Newcomers(Audience::Visitors)),
        views: EventKind::ALL.iter().filter(|kind| kind.is_view()).map(|kind| of(Counter::Events(*kind))).sum(),
        talked_to: of(Counter::People(Audience::ChatStarters)),
        forwards: of(Counter::Events(EventKind::Forward)),
        saves: of(Counter::Saves),
        likes: of(Counter::Likes),
        dwell_ms: of(Counter::DwellMs),
        by_kind: EventKind::ALL.iter().map(|kind| (kind.name(), of(Counter::Events(*kind)))).collect(),
    })
}
