//! `GET /v1/radar/…/objects`: the most viewed products, articles or videos (访问商品排名).

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::radar::breakdown::TopThing;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::radar::window_query::{
    ChosenWindow, ListedObject, ObjectParams, RowParams, WantedDays, WindowParams, WindowRequest,
};

/// The most viewed objects. The numbers can be some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopObjects {
    /// The first day, in Asia/Shanghai.
    from: Day,
    /// The last day, in Asia/Shanghai.
    to: Day,
    /// The objects, the most views first; among equal ones the older first.
    items: Vec<TopObject>,
    /// An object that the list does not know was viewed at most so often. 0 while all views are
    /// counted exactly: up to 16,384 objects of a type and day.
    missed: u64,
    /// Days whose views cannot be read at the moment. They are left out.
    missing_days: Vec<Day>,
}

/// An object with its views.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopObject {
    /// The type of the object.
    #[serde(rename = "type")]
    #[schema(value_type = ListedObject)]
    kind: &'static str,
    /// The id.
    id: Option<String>,
    /// The title that a visitor saw last. `null` if it is not known.
    title: Option<String>,
    /// How often the object was viewed, at least.
    views: u64,
    /// How often the object was viewed, at most. Equal to `views` while it is counted exactly.
    views_max: u64,
}

/// List most viewed objects of a card
///
/// Lists the products, articles or videos with the most views in a window. The numbers can be some
/// minutes old. Callers: the card's owner, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/objects", tag = "radar",
    params(WindowParams, RowParams, ObjectParams), responses((status = 200, body = TopObjects)))]
pub(crate) async fn get_card_objects(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<TopObjects>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(objects(&app, scope, wanted).await?))
}

/// List most viewed objects of the company
///
/// Lists the products, articles or videos with the most views in a window, from all cards. The
/// numbers can be some minutes old. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/objects", tag = "radar", params(WindowParams, RowParams, ObjectParams),
    responses((status = 200, body = TopObjects)))]
pub(crate) async fn get_company_objects(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<TopObjects>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(objects(&app, scope, wanted).await?))
}

async fn objects(app: &App, scope: RadarScope, (wanted, (from, to)): WantedDays) -> Result<TopObjects, Failure> {
    let kind = wanted.objects;
    let of_days = app.store.breakdown(scope.company(), scope.scope(), kind, (from, to)).await?;
    let item = |TopThing { id, views, title }: TopThing<'_>| {
        let (thing, title) = (kind.thing(id)?, title.map(str::to_owned));
        let (views, views_max) = (views.at_least, views.at_most);
        Some(TopObject { kind: thing.type_name(), id: thing.id(), title, views, views_max })
    };
    let items = of_days.sum.top_things(wanted.limit).into_iter().filter_map(item).collect();
    let missing_days = of_days.unreadable.into_iter().collect();
    Ok(TopObjects { from, to, items, missed: of_days.sum.counts().missed(), missing_days })
}
