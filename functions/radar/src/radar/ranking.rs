//! `GET /v1/radar/company/rankings`: employees by a metric (销售排行); the first is the champion (销冠).

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::kernel::day::Window;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DepartmentId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::ranking::{Contender, Metric, RankingPlace, rank};
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::radar::window_query::{ChosenWindow, RankingParams, RowParams, WindowRequest};

/// Employees ranked by a metric.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rankings {
    /// When the numbers were read, every few minutes. `null` before the first time.
    as_of: Option<Timestamp>,
    /// The metric.
    metric: Metric,
    /// The window.
    #[schema(value_type = Window)]
    window: &'static str,
    /// The first member (销冠). `null` if all values are 0 or several share the first place.
    champion: Option<MemberId>,
    /// The employees, the highest value first; among equal ones the member who was added first.
    items: Vec<RankingRow>,
    /// Whether all active employees with a card take part: at most about 1,000 do.
    complete: bool,
}

/// An employee in a ranking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankingRow {
    /// The place, 1 for the first. Equal values share a place.
    place: usize,
    /// The value of the metric. `sales_fen` is in fen.
    value: i64,
    /// The member.
    member_id: MemberId,
    /// The card.
    card_id: CardId,
    /// The name of the member when the numbers were read.
    name: String,
}

/// Rank the employees
///
/// Ranks employees by one of nine metrics in one of four windows, the highest value first. The
/// numbers can be some minutes old. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers, and for an unknown `department`; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/rankings", tag = "radar", params(RankingParams, RowParams),
    responses((status = 200, body = Rankings)))]
pub(crate) async fn get_rankings(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<Rankings>, Problem> {
    let ChosenWindow { window, limit, metric, department, .. } = ChosenWindow::read(query)?;
    let ranking = app.store.ranking(scope.company()).await?;
    let as_of = ranking.as_ref().map(|ranking| ranking.as_of);
    let complete = ranking.as_ref().is_none_or(|ranking| ranking.complete);
    let mut contenders = ranking.map(|ranking| ranking.contenders).unwrap_or_default();
    if let Some(department) = department {
        keep_those_in(&app, scope.company(), department, &mut contenders).await?;
    }
    let places = rank(&contenders, metric, window);
    let champion = champion(&places);
    let items = places.into_iter().take(limit).map(row).collect();
    Ok(Json(Rankings { as_of, metric, window: window.name(), champion, items, complete }))
}

async fn keep_those_in(
    app: &App,
    company: Company,
    department: DepartmentId,
    contenders: &mut Vec<Contender>,
) -> Result<(), Failure> {
    let tree = app.store.departments(company).await?;
    let among = tree.below(department).ok_or(Failure::NotFound)?;
    contenders.retain(|contender| contender.department.is_some_and(|of| among.contains(&of)));
    Ok(())
}

fn champion(places: &[RankingPlace<'_>]) -> Option<MemberId> {
    let first = places.first().filter(|first| first.value > 0)?;
    let alone = places.get(1).is_none_or(|second| second.place > 1);
    alone.then_some(first.contender.member)
}

fn row(RankingPlace { place, value, contender }: RankingPlace<'_>) -> RankingRow {
    let (member_id, card_id, name) = (contender.member, contender.card, contender.name.clone());
    RankingRow { place, value, member_id, card_id, name }
}
