//! `GET /v1/radar/…/shop-visits`: how likely a visitor goes on to the shop (商城访问概率).

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::counter::{Crowd, Scope};
use domain::day::{Day, Window};
use domain::failure::Failure;
use domain::metrics::ScopeCounts;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Visitors of the shop among all visitors, by window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopVisits {
    /// 汇总: since the beginning.
    total: ShopShare,
    /// 昨日: the previous calendar day.
    yesterday: ShopShare,
    /// 近7天: the last 7 days, today included.
    last_7_days: ShopShare,
    /// 近30天: the last 30 days, today included.
    last_30_days: ShopShare,
}

/// One window, and as many days right before it to compare with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopShare {
    #[serde(flatten)]
    share: Share,
    /// The window before; `null` for the lifetime.
    previous: Option<Share>,
}

/// Visitors of the shop among all visitors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Share {
    /// Distinct people with a view.
    visitors: i64,
    /// Distinct people who viewed a product.
    shop_visitors: i64,
    /// Shop visitors in 10,000 visitors, rounded down; `null` without visitors.
    basis_points: Option<i64>,
}

/// How likely a card's visitors go to the shop
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/shop-visits", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path)),
    responses((status = 200, body = ShopVisits), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_shop_visits(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<ShopVisits>, Problem> {
    Ok(Json(shop_visits(&app, scope.company(), scope.scope()).await?))
}

/// How likely the company's visitors go to the shop
#[utoipa::path(get, path = "/v1/radar/company/shop-visits", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = ShopVisits), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_shop_visits(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<ShopVisits>, Problem> {
    Ok(Json(shop_visits(&app, scope.company(), scope.scope()).await?))
}

async fn shop_visits(app: &App, company: Company, scope: Scope) -> Result<ShopVisits, Failure> {
    let today = Day::of(app.clock.now());
    let first = Window::Last30Days.before(today).map_or(today, |(first, _)| first);
    let counts = app.store.counters(company, scope, first).await?;
    let window = |window: Window| {
        let (from, to) = window.days(today);
        let previous = window.before(today).map(|(from, to)| Share::of(&counts, Some(from), to));
        ShopShare { share: Share::of(&counts, from, to), previous }
    };
    Ok(ShopVisits {
        total: window(Window::Total),
        yesterday: window(Window::Yesterday),
        last_7_days: window(Window::Last7Days),
        last_30_days: window(Window::Last30Days),
    })
}

impl Share {
    fn of(counts: &ScopeCounts, from: Option<Day>, to: Day) -> Self {
        let visitors = counts.people(from, to, Crowd::Visitors);
        let shop_visitors = counts.people(from, to, Crowd::Shoppers);
        Self { visitors, shop_visitors, basis_points: (shop_visitors * 10_000).checked_div(visitors) }
    }
}
