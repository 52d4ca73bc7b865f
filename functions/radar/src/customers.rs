//! `GET /v1/radar/…/customers`: the most likely customers first (成交率最高用户 TOP10).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::close_rate::{Band, Rate};
use domain::day::Day;
use domain::failure::Failure;
use domain::id::PersonId;
use domain::sentence::visitor_name;
use domain::shortlist::{LISTED_MAX, Prospect};
use edge::access::RadarScope;
use edge::problem::{Code, Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Rows unless asked otherwise: TOP10.
const ROWS_DEFAULT: usize = 10;

/// Which customers are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CustomerQuery {
    /// 1 to 100; 10 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Only those of one band of the funnel: `below_50`, `below_80`, `below_99` or `below_100`.
    #[param(value_type = Option<String>)]
    band: Option<Band>,
}

type Asked = Result<Query<CustomerQuery>, QueryRejection>;

/// Who is most likely to buy; some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopCustomers {
    /// The highest rate first; of equal ones who came first. Only the hundred most likely are listed.
    items: Vec<TopCustomer>,
}

/// A likely customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopCustomer {
    #[schema(value_type = String)]
    person_id: PersonId,
    /// `访客` and four characters until his name is known.
    name: String,
    /// 成交率: hundredths of a percent, 0 to 10,000.
    #[schema(value_type = u16)]
    rate_basis_points: Rate,
    /// The band of the funnel.
    #[schema(value_type = String)]
    band: Band,
}

/// A card's most likely customers
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/customers", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), CustomerQuery),
    responses((status = 200, body = TopCustomers), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_customers(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<TopCustomers>, Problem> {
    Ok(Json(customers(&app, scope, wanted(query)?).await?))
}

/// The company's most likely customers
#[utoipa::path(get, path = "/v1/radar/company/customers", tag = "radar", security(("bearer" = [])), params(CustomerQuery),
    responses((status = 200, body = TopCustomers), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_customers(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<TopCustomers>, Problem> {
    Ok(Json(customers(&app, scope, wanted(query)?).await?))
}

/// How many customers are wanted, and of which band.
fn wanted(query: Asked) -> Result<(usize, Option<Band>), Problem> {
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
    let (shortlist, _) = app.store.shortlist(scope.company(), scope.scope()).await?;
    let best = shortlist.best(Day::of(app.clock.now()));
    let wanted = best.into_iter().map(customer).filter(|customer| band.is_none_or(|band| band == customer.band));
    Ok(TopCustomers { items: wanted.take(limit).collect() })
}

fn customer(Prospect { person: person_id, rate }: Prospect) -> TopCustomer {
    TopCustomer { person_id, name: visitor_name(person_id), rate_basis_points: rate, band: Band::of(rate) }
}
