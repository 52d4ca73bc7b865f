//! `GET /v1/radar/…/objects`: which products, articles or videos are looked at most
//! (访问商品排名).

use axum::Json;
use axum::extract::State;
use domain::breakdown::Viewed;
use domain::day::Day;
use domain::event::Target;
use domain::failure::Failure;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::window_query::{Asked, Wanted, WantedDays, WindowQuery};

/// What is looked at most; some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopObjects {
    /// First day, in Asia/Shanghai.
    #[schema(value_type = String, format = Date)]
    from: Day,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    to: Day,
    /// Most views first; of equal ones the older object.
    items: Vec<TopObject>,
}

/// Something that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopObject {
    /// `product`, `article` or `video`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its id.
    id: Option<String>,
    /// The title that was seen last, if any was told.
    title: Option<String>,
    /// How often it was looked at.
    views: i64,
}

/// What a card's visitors look at most
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/objects", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), WindowQuery),
    responses((status = 200, body = TopObjects), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_objects(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<TopObjects>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(objects(&app, scope, wanted).await?))
}

/// What the company's visitors look at most
#[utoipa::path(get, path = "/v1/radar/company/objects", tag = "radar", security(("bearer" = [])), params(WindowQuery),
    responses((status = 200, body = TopObjects), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_objects(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<TopObjects>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(objects(&app, scope, wanted).await?))
}

async fn objects(app: &App, scope: RadarScope, (wanted, (from, to)): WantedDays) -> Result<TopObjects, Failure> {
    let breakdown = app.store.breakdown(scope.company(), scope.scope(), (from, to)).await?;
    let item = |(target, Viewed { views, title }): (Target, &Viewed)| TopObject {
        kind: target.type_name(),
        id: target.id(),
        title: title.clone(),
        views: *views,
    };
    let items = breakdown.top_things(wanted.object, wanted.limit).into_iter().map(item).collect();
    Ok(TopObjects { from, to, items })
}
