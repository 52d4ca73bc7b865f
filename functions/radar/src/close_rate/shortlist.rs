//! `GET /v1/radar/…/customers`: the most likely customers first (成交率最高用户 TOP10).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::close_rate::calibration::Calibration;
use domain::close_rate::model::{Band, Model, Rate};
use domain::close_rate::rank_share::RankShare;
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
use crate::close_rate::rank::RankBody;

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
    /// Only customers in this band.
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
    /// How well the rates of the model are known to come true.
    calibration: Calibration,
}

/// A likely customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopCustomer {
    /// The person.
    person_id: PersonId,
    /// The name to show: `访客` and four characters while the name is not known.
    name: String,
    /// The close rate (成交率) in hundredths of a percent. `null` for a rate of the default model, whose
    /// calibration in the company is not known: show `rank` and `score`.
    rate_basis_points: Option<Rate>,
    /// The score, 0 to 10,000: the list is sorted by it, and the bands are of it. It is the rate where
    /// there is one, else no percentage.
    score: Rate,
    /// Where the customer stands among all customers without a deal, whatever the `band` of the query.
    rank: RankBody,
    /// The band of the score.
    band: Band,
}

/// List likely customers of a card
///
/// Lists the customers with the highest scores, the highest first. Before the company has a model of
/// its own a score is no percentage. The numbers can be some minutes old. Callers: the card's owner, admins and the boss, while their own radar is on.
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
/// Lists the customers with the highest scores on all cards, the highest first. Before the company has
/// a model of its own a score is no percentage. The numbers can be some minutes old. Callers: admins and the boss, while their own radar is on. Idempotent.
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
    let (model, everybody) = (shortlist.model(), funnel.in_band(None).unsigned_abs());
    let best = shortlist.best(today, band).into_iter().take(limit);
    let items = best.map(|ranked| customer(ranked, model, everybody)).collect();
    let (total, known) = (funnel.in_band(band), shortlist.known(today, band));
    Ok(TopCustomers { items, total, known, calibration: model.calibration() })
}

fn customer(
    RankedCustomer { person: person_id, rate, is_set, above }: RankedCustomer,
    model: &Model,
    everybody: u64,
) -> TopCustomer {
    let above = above as u64;
    TopCustomer {
        person_id,
        name: visitor_name(person_id),
        rate_basis_points: if is_set { Some(rate) } else { model.percentage(rate) },
        score: rate,
        rank: RankShare { above, customers: everybody.max(above + 1) }.into(),
        band: Band::of(rate),
    }
}
