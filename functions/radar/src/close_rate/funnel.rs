//! `GET /v1/radar/…/funnel`: how many customers are in each band of close rates (成交率漏斗).

use axum::Json;
use axum::extract::State;
use domain::close_rate::calibration::Calibration;
use domain::close_rate::model::Band;
use domain::close_rate::shortlist::{Funnel, Shortlist};
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::radar::counter::{Counter, Counts, Scope};
use domain::radar::metrics::count;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// All customers by close rate. The numbers can be some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunnelBody {
    /// How many people have logged in, done something that counts, and are no members of the company.
    customers: i64,
    /// How many customers have a closed deal. They are in no band.
    closed: i64,
    /// Customers without a deal in four bands that do not overlap, the lowest first.
    bands: Vec<BandBody>,
    /// How well the rates of the model are known to come true. With `published` the bands are of scores,
    /// no percentages.
    calibration: Calibration,
}

/// A band of close rates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BandBody {
    /// The band: `below_50` is under 50 %, `below_80` from 50 to under 80 %, `below_99` from 80 to
    /// under 99 %, `below_100` from 99 %.
    band: Band,
    /// How many customers are in the band.
    customers: i64,
}

/// Get the close-rate funnel of a card
///
/// Returns how many customers are in each band of close rates. The numbers can be some minutes old.
/// Callers: the card's owner, admins and the boss, while their own radar is on. Idempotent. Errors:
/// 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/funnel", tag = "radar",
    responses((status = 200, body = FunnelBody)))]
pub(crate) async fn get_card_funnel(State(app): State<App>, scope: RadarScope) -> Result<Json<FunnelBody>, Problem> {
    Ok(Json(funnel(&app, scope.company(), scope.scope()).await?))
}

/// Get the close-rate funnel of the company
///
/// Returns how many customers are in each band of close rates. The numbers can be some minutes old.
/// Callers: admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found`
/// for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/funnel", tag = "radar", responses((status = 200, body = FunnelBody)))]
pub(crate) async fn get_company_funnel(State(app): State<App>, scope: RadarScope) -> Result<Json<FunnelBody>, Problem> {
    Ok(Json(funnel(&app, scope.company(), scope.scope()).await?))
}

async fn funnel(app: &App, company: Company, scope: Scope) -> Result<FunnelBody, Failure> {
    let (shortlist, lifetime) = app.store.shortlist(company, scope).await?;
    let funnel = funnel_of(&shortlist, &lifetime, Day::of(app.clock.now()));
    let band = |(band, customers): (&Band, i64)| BandBody { band: *band, customers };
    let (customers, closed) = (count(&lifetime, Counter::Customers), count(&lifetime, Counter::ClosedCustomers));
    let bands = Band::ALL.iter().zip(funnel.customers).map(band).collect();
    Ok(FunnelBody { customers, closed, bands, calibration: shortlist.model().calibration() })
}

/// The funnel of a scope by its list and its lifetime counters.
pub(crate) fn funnel_of(shortlist: &Shortlist, lifetime: &Counts, today: Day) -> Funnel {
    shortlist.funnel(today, count(lifetime, Counter::Customers), count(lifetime, Counter::ClosedCustomers))
}
