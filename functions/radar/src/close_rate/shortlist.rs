//! `GET /v1/radar/…/customers`: the most likely customers first (成交率最高用户 TOP10).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::close_rate::model::{Band, Rate};
use domain::close_rate::shortlist::{LISTED_MAX, RankedCustomer};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::radar::feed::visitor_name;
use edge::access::RadarScope;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::close_rate::funnel::funnel_of;

/// Default number of rows: TOP10.
const ROWS_DEFAULT: usize = 10;

/// The query of a list of customers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CustomerQuery {
    /// The maximum number of rows in the answer. 10 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Only customers in this band of close rates.
    #[param(inline)]
    band: Option<Band>,
}

type CustomersParams = Result<Query<CustomerQuery>, QueryRejection>;

/// The customers with the highest close rates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopCustomers {
    /// The customers, the highest rate first; among equal rates the first visitor first.
    items: Vec<TopCustomer>,
    /// How many customers without a deal are in the band, or in all bands: the number in the funnel.
    total: i64,
    /// How many of them can be listed: at least the highest 150 of a band. If it is less than `total`,
    /// the others have lower rates.
    known: usize,
}

/// A likely customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopCustomer {
    /// The person.
    person_id: PersonId,
    /// The name to show: `访客` and four characters while the name is not known.
    name: String,
    /// The close rate (成交率) in hundredths of a percent.
    rate_basis_points: Rate,
    /// The band of close rates.
    band: Band,
}

/// List likely customers of a card
///
/// Lists the customers with the highest close rates, the highest first. The numbers can be some
/// minutes old. Callers: the card's owner, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/customers", tag = "radar", params(CustomerQuery),
    responses((status = 200, body = TopCustomers)))]
pub(crate) async fn get_card_customers(
    State(app): State<App>,
    scope: RadarScope,
    query: CustomersParams,
) -> Result<Json<TopCustomers>, Problem> {
    Ok(Json(customers(&app, scope, wanted(query)?).await?))
}

/// List likely customers of the company
///
/// Lists the customers with the highest close rates on all cards, the highest first. The numbers
/// can be some minutes old. Callers: admins and the boss, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller
/// is off.
#[utoipa::path(get, path = "/v1/radar/company/customers", tag = "radar", params(CustomerQuery),
    responses((status = 200, body = TopCustomers)))]
pub(crate) async fn get_company_customers(
    State(app): State<App>,
    scope: RadarScope,
    query: CustomersParams,
) -> Result<Json<TopCustomers>, Problem> {
    Ok(Json(customers(&app, scope, wanted(query)?).await?))
}

/// The wanted number of customers, and their band.
fn wanted(query: CustomersParams) -> Result<(usize, Option<Band>), Problem> {
    let invalid = || Problem::of(Code::InvalidQuery);
    let Query(CustomerQuery { limit, band }) = query.map_err(|_| invalid())?;
    let limit = limit.unwrap_or(ROWS_DEFAULT);
    if (1..=LISTED_MAX).contains(&limit) { Ok((limit, band)) } else { Err(invalid()) }
}

async fn customers(
    app: &App,
    scope: RadarScope,
    (limit, band): (usize, Option<Band>),
) -> Result<TopCustomers, Failure> {
    let (shortlist, lifetime) = app.store.shortlist(scope.company(), scope.scope()).await?;
    let today = Day::of(app.clock.now());
    let funnel = funnel_of(&shortlist, &lifetime, today);
    let items = shortlist.best(today, band).into_iter().take(limit).map(customer).collect();
    Ok(TopCustomers { items, total: funnel.in_band(band), known: shortlist.known(today, band) })
}

fn customer(RankedCustomer { person: person_id, rate }: RankedCustomer) -> TopCustomer {
    TopCustomer { person_id, name: visitor_name(person_id), rate_basis_points: rate, band: Band::of(rate) }
}
