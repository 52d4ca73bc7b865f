//! `GET /v1/radar/…/behaviour`: the tab 行为分析: what is shared, what visitors care for and
//! when they come. Who shares is in `sharers`.

use axum::Json;
use axum::extract::State;
use domain::breakdown::basis_points;
use domain::counter::Counter;
use domain::day::Day;
use domain::event::{EventKind, ObjectType};
use domain::failure::Failure;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::window_query::{Asked, Wanted, WantedDays, WindowQuery};

/// How visitors behaved in a window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Behaviour {
    /// First day, in Asia/Shanghai.
    #[schema(value_type = String, format = Date)]
    from: Day,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    to: Day,
    /// 分享明细占比: forwards by what was passed on.
    shares: Vec<Part>,
    /// 客户兴趣占比: views by what was looked at.
    interests: Vec<Part>,
    /// 客户活跃度: events in each hour of the day, the first from midnight to one.
    active_hours: Vec<i64>,
}

/// A part of a whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// `card`, `product`, `article`, `video` or `website`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    object: ObjectType,
    /// How many.
    count: i64,
    /// Its share of the whole; all parts add up to 10,000, or are 0 when there is nothing.
    basis_points: i64,
}

/// How a card's visitors behave
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/behaviour", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), WindowQuery),
    responses((status = 200, body = Behaviour), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_behaviour(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<Behaviour>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(behaviour(&app, scope, wanted).await?))
}

/// How the company's visitors behave
#[utoipa::path(get, path = "/v1/radar/company/behaviour", tag = "radar", security(("bearer" = [])), params(WindowQuery),
    responses((status = 200, body = Behaviour), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_behaviour(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<Behaviour>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(behaviour(&app, scope, wanted).await?))
}

/// How a department's visitors behave
///
/// What happened on cards while they were in it, or below it. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/behaviour", tag = "radar", security(("bearer" = [])), params(("department_id" = String, Path), WindowQuery),
    responses((status = 200, body = Behaviour), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_department_behaviour(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<Behaviour>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(behaviour(&app, scope, wanted).await?))
}

async fn behaviour(app: &App, scope: RadarScope, (wanted, (from, to)): WantedDays) -> Result<Behaviour, Failure> {
    let today = Day::of(app.clock.now());
    let counts = app.store.counters(scope.company(), scope.scope(), from).await?;
    let count = |counter| counts.in_window(wanted.window, today, counter);
    let viewed = |object: ObjectType| count(Counter::Events(view_of(object)));
    Ok(Behaviour {
        from,
        to,
        shares: parts(|object| count(Counter::Forwards(object))),
        interests: parts(viewed),
        active_hours: (0..24).map(|hour| count(Counter::Hour(hour))).collect(),
    })
}

fn parts(count: impl Fn(ObjectType) -> i64) -> Vec<Part> {
    let counts: Vec<_> = ObjectType::ALL.iter().map(|object| count(*object)).collect();
    let shares = basis_points(&counts);
    let part = |((object, count), basis_points)| Part { object, count, basis_points };
    ObjectType::ALL.iter().copied().zip(counts).zip(shares).map(part).collect()
}

fn view_of(object: ObjectType) -> EventKind {
    match object {
        ObjectType::Card => EventKind::ViewCard,
        ObjectType::Product => EventKind::ViewProduct,
        ObjectType::Article => EventKind::ViewArticle,
        ObjectType::Video => EventKind::ViewVideo,
        ObjectType::Website => EventKind::ViewWebsite,
    }
}
