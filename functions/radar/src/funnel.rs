//! `GET /v1/radar/…/funnel`: how many customers are how close to a deal (成交率漏斗).

use axum::Json;
use axum::extract::State;
use domain::close_rate::Band;
use domain::company::Company;
use domain::counter::{Counter, Crowd, Scope};
use domain::day::Day;
use domain::failure::Failure;
use domain::metrics::count;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// All customers of the scope by close rate; some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunnelBody {
    /// Distinct people with a view since the beginning.
    customers: i64,
    /// Who has a closed deal: they are in no band.
    closed: i64,
    /// Who has no deal, in four bands that do not overlap, the lowest first.
    bands: Vec<BandBody>,
}

/// One band.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BandBody {
    /// `below_50`: under 50 %; `below_80`: from 50 to under 80 %; `below_99`: from 80 to
    /// under 99 %; `below_100`: from 99 %.
    #[schema(value_type = String)]
    band: Band,
    /// How many are in it.
    customers: i64,
}

/// A card's funnel
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/funnel", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path)),
    responses((status = 200, body = FunnelBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_funnel(State(app): State<App>, scope: RadarScope) -> Result<Json<FunnelBody>, Problem> {
    Ok(Json(funnel(&app, scope.company(), scope.scope()).await?))
}

/// The company's funnel
#[utoipa::path(get, path = "/v1/radar/company/funnel", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = FunnelBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_funnel(State(app): State<App>, scope: RadarScope) -> Result<Json<FunnelBody>, Problem> {
    Ok(Json(funnel(&app, scope.company(), scope.scope()).await?))
}

async fn funnel(app: &App, company: Company, scope: Scope) -> Result<FunnelBody, Failure> {
    let (shortlist, lifetime) = app.store.shortlist(company, scope).await?;
    let customers = count(&lifetime, Counter::People(Crowd::Visitors));
    let closed = count(&lifetime, Counter::ClosedCustomers);
    let funnel = shortlist.funnel(Day::of(app.clock.now()), customers, closed);
    let band = |(band, customers): (&Band, i64)| BandBody { band: *band, customers };
    Ok(FunnelBody { customers, closed, bands: Band::ALL.iter().zip(funnel.customers).map(band).collect() })
}
