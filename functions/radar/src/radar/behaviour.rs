//! `GET /v1/radar/…/behaviour`: the tab 行为分析: what visitors share, what they view and when they are
//! active. The people who share are in `sharers`.

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::radar::breakdown::basis_points;
use domain::radar::counter::Counter;
use domain::tracking::event::{EventKind, ObjectType};
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::radar::window_query::{ChosenWindow, WantedDays, WindowParams, WindowRequest};

/// The behaviour of visitors in a window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Behaviour {
    /// The first day, in Asia/Shanghai.
    from: Day,
    /// The last day, in Asia/Shanghai.
    to: Day,
    /// What was forwarded (分享明细占比): forwards by type of object.
    shares: Vec<Proportion>,
    /// What was viewed (客户兴趣占比): views by type of object.
    interests: Vec<Proportion>,
    /// When visitors are active (客户活跃度): events in each hour of the day, 24 numbers, midnight
    /// first.
    active_hours: Vec<i64>,
}

/// A part of a whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Proportion {
    /// The type of the object.
    #[serde(rename = "type")]
    object: ObjectType,
    /// How many events there are.
    count: i64,
    /// The share of the whole in hundredths of a percent. All parts add up to 10,000, or are 0 if
    /// there is no event.
    basis_points: i64,
}

/// Analyse the behaviour of card visitors
///
/// Returns the shared and the viewed objects and the active hours of a window. Callers: the card's
/// owner, admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for
/// other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/behaviour", tag = "radar", params(WindowParams),
    responses((status = 200, body = Behaviour)))]
pub(crate) async fn get_card_behaviour(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<Behaviour>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(behaviour(&app, scope, wanted).await?))
}

/// Analyse the behaviour of company visitors
///
/// Returns the shared and the viewed objects and the active hours of a window, on all cards.
/// Callers: admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found`
/// for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/behaviour", tag = "radar", params(WindowParams),
    responses((status = 200, body = Behaviour)))]
pub(crate) async fn get_company_behaviour(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<Behaviour>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(behaviour(&app, scope, wanted).await?))
}

/// Analyse the behaviour of department visitors
///
/// Returns the shared and the viewed objects and the active hours of a window. Counts events on
/// cards that were in the department, or below it, when the event happened. Callers: admins and the
/// boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/behaviour", tag = "radar", params(WindowParams),
    responses((status = 200, body = Behaviour)))]
pub(crate) async fn get_department_behaviour(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<Behaviour>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
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

fn parts(count: impl Fn(ObjectType) -> i64) -> Vec<Proportion> {
    let counts: Vec<_> = ObjectType::ALL.iter().map(|object| count(*object)).collect();
    let shares = basis_points(&counts);
    let part = |((object, count), basis_points)| Proportion { object, count, basis_points };
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
