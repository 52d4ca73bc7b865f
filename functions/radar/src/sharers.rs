//! `GET /v1/radar/…/sharers`: who passes things on most (分享用户 TOP10).

use axum::Json;
use axum::extract::State;
use domain::day::Day;
use domain::failure::Failure;
use domain::id::PersonId;
use domain::sentence::visitor_name;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::window_query::{Asked, Wanted, WantedDays, WindowQuery};

/// Who passed things on; some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopSharers {
    /// First day, in Asia/Shanghai.
    #[schema(value_type = String, format = Date)]
    from: Day,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    to: Day,
    /// Most forwards first; of equal ones who came first.
    items: Vec<TopSharer>,
}

/// Somebody who passed something on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopSharer {
    #[schema(value_type = String)]
    person_id: PersonId,
    /// `访客` and four characters until his name is known.
    name: String,
    /// How often.
    forwards: i64,
}

/// Who passes a card on most
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/sharers", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), WindowQuery),
    responses((status = 200, body = TopSharers), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_sharers(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<TopSharers>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(sharers(&app, scope, wanted).await?))
}

/// Who passes the company's cards on most
#[utoipa::path(get, path = "/v1/radar/company/sharers", tag = "radar", security(("bearer" = [])), params(WindowQuery),
    responses((status = 200, body = TopSharers), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_sharers(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<TopSharers>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(sharers(&app, scope, wanted).await?))
}

async fn sharers(app: &App, scope: RadarScope, (wanted, (from, to)): WantedDays) -> Result<TopSharers, Failure> {
    let breakdown = app.store.breakdown(scope.company(), scope.scope(), (from, to)).await?;
    let item =
        |(person_id, forwards): (PersonId, i64)| TopSharer { person_id, name: visitor_name(person_id), forwards };
    let items = breakdown.top_sharers(wanted.limit).into_iter().map(item).collect();
    Ok(TopSharers { from, to, items })
}
