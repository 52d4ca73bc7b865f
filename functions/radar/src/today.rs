//! `GET /v1/radar/…/today`: today's overview (今日概况).

use domain::failure::Failure;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::counter::{Counter, Crowd, Scope};
use domain::day::Day;
use domain::event::EventKind;
use domain::metrics::count;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What happened today, a calendar day in Asia/Shanghai.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Today {
    /// The day.
    #[schema(value_type = String, format = Date)]
    day: Day,
    /// Distinct people with a view.
    visitors: i64,
    /// Those of them who were never seen before.
    new_visitors: i64,
    /// Views.
    views: i64,
    /// Distinct people who opened a chat.
    talked_to: i64,
    /// Forwards.
    forwards: i64,
    /// Phones saved for the first time.
    saves: i64,
    /// Likes given today and not taken back.
    likes: i64,
    /// Time spent, in milliseconds.
    dwell_ms: i64,
    /// Events by kind; kinds without an event are 0.
    #[schema(value_type = BTreeMap<String, i64>)]
    by_kind: BTreeMap<&'static str, i64>,
}

/// A card's today
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/today", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path)),
    responses((status = 200, body = Today), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_today(State(app): State<App>, scope: RadarScope) -> Result<Json<Today>, Problem> {
    Ok(Json(today(&app, scope.company(), scope.scope()).await?))
}

/// The company's today
#[utoipa::path(get, path = "/v1/radar/company/today", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = Today), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_today(State(app): State<App>, scope: RadarScope) -> Result<Json<Today>, Problem> {
    Ok(Json(today(&app, scope.company(), scope.scope()).await?))
}

/// A department's today
///
/// What happened on cards while they were in it, or below it. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/today", tag = "radar", security(("bearer" = [])), params(("department_id" = String, Path)),
    responses((status = 200, body = Today), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_department_today(State(app): State<App>, scope: RadarScope) -> Result<Json<Today>, Problem> {
    Ok(Json(today(&app, scope.company(), scope.scope()).await?))
}

async fn today(app: &App, company: Company, scope: Scope) -> Result<Today, Failure> {
    let day = Day::of(app.clock.now());
    let counts = app.store.counters(company, scope, day).await?.day(day);
    let of = |counter| count(&counts, counter);
    Ok(Today {
        day,
        visitors: of(Counter::People(Crowd::Visitors)),
        new_visitors: of(Counter::Newcomers(Crowd::Visitors)),
        views: EventKind::ALL.iter().filter(|kind| kind.is_view()).map(|kind| of(Counter::Events(*kind))).sum(),
        talked_to: of(Counter::People(Crowd::Talkers)),
        forwards: of(Counter::Events(EventKind::Forward)),
        saves: of(Counter::Saves),
        likes: of(Counter::Likes),
        dwell_ms: of(Counter::DwellMs),
        by_kind: EventKind::ALL.iter().map(|kind| (kind.name(), of(Counter::Events(*kind)))).collect(),
    })
}
