//! `GET /v1/radar/…/shop-visits`: the share of visitors who go on to the shop (商城访问概率).

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::radar::counter::{Audience, Scope};
use domain::radar::metrics::ScopeCounts;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The share of visitors who viewed a product, by window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopVisits {
    /// Everything since the beginning (汇总).
    total: ShopShare,
    /// The previous calendar day (昨日).
    yesterday: ShopShare,
    /// The last 7 days, today included (近7天).
    last_7_days: ShopShare,
    /// The last 30 days, today included (近30天).
    last_30_days: ShopShare,
}

/// A window, and the same number of days before it for comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopShare {
    #[serde(flatten)]
    share: ShopVisitorShare,
    /// The days before the window. `null` for the lifetime.
    previous: Option<ShopVisitorShare>,
}

/// Visitors of the shop among all visitors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopVisitorShare {
    /// Distinct people with a view.
    visitors: i64,
    /// Distinct people who viewed a product.
    shop_visitors: i64,
    /// The share of shop visitors in hundredths of a percent, rounded down. `null` without
    /// visitors.
    basis_points: Option<i64>,
}

/// Get shop visit rates of a card
///
/// Returns the share of visitors who viewed a product, in four windows, each compared with the
/// period before it. Callers: the card's owner, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/shop-visits", tag = "radar",
    responses((status = 200, body = ShopVisits)))]
pub(crate) async fn get_card_shop_visits(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<ShopVisits>, Problem> {
    Ok(Json(shop_visits(&app, scope.company(), scope.scope()).await?))
}

/// Get shop visit rates of the company
///
/// Returns the share of visitors who viewed a product, in four windows, each compared with the
/// period before it. Callers: admins and the boss, while their own radar is on. Idempotent. Errors:
/// 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/shop-visits", tag = "radar",
    responses((status = 200, body = ShopVisits)))]
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
        let previous = window.before(today).map(|(from, to)| ShopVisitorShare::of(&counts, Some(from), to));
        ShopShare { share: ShopVisitorShare::of(&counts, from, to), previous }
    };
    Ok(ShopVisits {
        total: window(Window::Total),
        yesterday: window(Window::Yesterday),
        last_7_days: window(Window::Last7Days),
        last_30_days: window(Window::Last30Days),
    })
}

impl ShopVisitorShare {
    fn of(counts: &ScopeCounts, from: Option<Day>, to: Day) -> Self {
        let visitors = counts.people(from, to, Audience::Visitors);
        let shop_visitors = counts.people(from, to, Audience::Shoppers);
        Self { visitors, shop_visitors, basis_points: (shop_visitors * 10_000).checked_div(visitors) }
    }
}
