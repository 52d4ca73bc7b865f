//! `GET /v1/radar/company/rankings`: employees by a metric (销售排行), the first of whom is
//! the champion (销冠).

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::failure::Failure;
use domain::id::{CardId, DepartmentId, MemberId};
use domain::ranking::{Contender, Metric, Place, rank};
use domain::timestamp::Timestamp;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::window_query::{Asked, Wanted, WindowQuery};

/// Employees by a metric.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rankings {
    /// When the numbers were read, every few minutes; `null` before the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    /// What they are ranked by.
    #[schema(value_type = String)]
    metric: Metric,
    /// In which window.
    window: &'static str,
    /// 销冠: the first, unless nobody has anything or several share the first place.
    #[schema(value_type = Option<String>)]
    champion: Option<MemberId>,
    /// The greatest value first; of equal ones who was added first.
    items: Vec<Row>,
}

/// An employee's place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Row {
    /// 1 for the first; who has as much as another shares his place.
    place: usize,
    /// What he is ranked by.
    value: i64,
    #[schema(value_type = String)]
    member_id: MemberId,
    #[schema(value_type = String)]
    card_id: CardId,
    /// His name at that time.
    name: String,
}

/// Rank the employees
///
/// By any of the nine metrics, in any of the four windows; all, or those of a department.
/// For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/company/rankings", tag = "radar", security(("bearer" = [])), params(WindowQuery),
    responses((status = 200, body = Rankings), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_rankings(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<Rankings>, Problem> {
    let Wanted { window, limit, metric, department, .. } = Wanted::read(query)?;
    let ranking = app.store.ranking(scope.company()).await?;
    let as_of = ranking.as_ref().map(|ranking| ranking.as_of);
    let mut contenders = ranking.map(|ranking| ranking.contenders).unwrap_or_default();
    if let Some(department) = department {
        keep_those_in(&app, scope.company(), department, &mut contenders).await?;
    }
    let places = rank(&contenders, metric, window);
    let champion = champion(&places);
    let items = places.into_iter().take(limit).map(row).collect();
    Ok(Json(Rankings { as_of, metric, window: window.name(), champion, items }))
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

fn champion(places: &[Place<'_>]) -> Option<MemberId> {
    let first = places.first().filter(|first| first.value > 0)?;
    let alone = places.get(1).is_none_or(|second| second.place > 1);
    alone.then_some(first.contender.member)
}

fn row(Place { place, value, contender }: Place<'_>) -> Row {
    let (member_id, card_id, name) = (contender.member, contender.card, contender.name.clone());
    Row { place, value, member_id, card_id, name }
}
