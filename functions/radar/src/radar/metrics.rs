//! `GET /v1/radar/…/metrics`: the nine metrics in the four windows, each compared with the period
//! before it.

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::kernel::money::Fen;
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::Scope;
use domain::radar::metrics::{Metrics, ScopeCounts};
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The nine metrics in four windows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dashboard {
    /// The day on which the windows end, in Asia/Shanghai.
    today: Day,
    /// When these numbers were last recounted from the event log. It runs every night; `null`
    /// before the first time.
    checked_at: Option<Timestamp>,
    /// The windows.
    windows: Windows,
}

/// The four windows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Windows {
    /// Everything since the beginning (汇总).
    total: WindowMetrics,
    /// The previous calendar day (昨日).
    yesterday: WindowMetrics,
    /// The last 7 days, today included (近7天).
    last_7_days: WindowMetrics,
    /// The last 30 days, today included (近30天).
    last_30_days: WindowMetrics,
}

/// A window, and the same number of days before it for comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowMetrics {
    #[serde(flatten)]
    metrics: PeriodMetrics,
    /// The days before the window. `null` for the lifetime.
    previous: Option<PeriodMetrics>,
}

/// The nine metrics of some days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeriodMetrics {
    /// The first day, in Asia/Shanghai. `null` for the lifetime.
    from: Option<Day>,
    /// The last day, in Asia/Shanghai.
    to: Day,
    /// Distinct people with a view (客户总数 UV).
    visitors: i64,
    /// Views (浏览总数 PV).
    views: i64,
    /// Follow-ups (跟进总数).
    follow_ups: i64,
    /// Distinct people who opened a chat (沟通总客户数).
    customers_talked_to: i64,
    /// Sales of the shop in fen (商城销售金额).
    sales_fen: Fen,
    /// Orders of the shop (商城订单数).
    orders: i64,
    /// Forwards (被转发总数).
    forwards: i64,
    /// Saved phone numbers (被保存次数).
    saves: i64,
    /// Likes (被点赞总数).
    likes: i64,
}

/// Get the metrics of a card
///
/// Returns the nine metrics in four windows, each compared with the period before it. Callers: the
/// card's owner, admins and the boss, while their own radar is on. Idempotent. Errors: 404
/// `not_found` for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/metrics", tag = "radar",
    responses((status = 200, body = Dashboard)))]
pub(crate) async fn get_card_metrics(State(app): State<App>, scope: RadarScope) -> Result<Json<Dashboard>, Problem> {
    Ok(Json(dashboard(&app, scope.company(), scope.scope()).await?))
}

/// Get the metrics of the company
///
/// Returns the nine metrics in four windows, each compared with the period before it. Callers:
/// admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/metrics", tag = "radar", responses((status = 200, body = Dashboard)))]
pub(crate) async fn get_company_metrics(State(app): State<App>, scope: RadarScope) -> Result<Json<Dashboard>, Problem> {
    Ok(Json(dashboard(&app, scope.company(), scope.scope()).await?))
}

/// Get the metrics of a department
///
/// Returns the nine metrics in four windows, each compared with the period before it. Counts events
/// on cards that were in the department, or below it, when the event happened. Callers: admins and
/// the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers;
/// 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/metrics", tag = "radar",
    responses((status = 200, body = Dashboard)))]
pub(crate) async fn get_department_metrics(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<Dashboard>, Problem> {
    Ok(Json(dashboard(&app, scope.company(), scope.scope()).await?))
}

async fn dashboard(app: &App, company: Company, scope: Scope) -> Result<Dashboard, Failure> {
    let today = Day::of(app.clock.now());
    let first = Window::Last30Days.before(today).map_or(today, |(first, _)| first);
    let counts = app.store.counters(company, scope, first).await?;
    let window = |window: Window| {
        let (from, to) = window.days(today);
        let before = window.before(today);
        WindowMetrics {
            metrics: PeriodMetrics::of(&counts, from, to),
            previous: before.map(|(from, to)| PeriodMetrics::of(&counts, Some(from), to)),
        }
    };
    let windows = Windows {
        total: window(Window::Total),
        yesterday: window(Window::Yesterday),
        last_7_days: window(Window::Last7Days),
        last_30_days: window(Window::Last30Days),
    };
    Ok(Dashboard { today, checked_at: counts.checked_at, windows })
}

impl PeriodMetrics {
    /// The metrics of at most 400 days, or of the lifetime.
    pub(crate) fn of(counts: &ScopeCounts, from: Option<Day>, to: Day) -> Self {
        let Metrics { visitors, views, follow_ups, customers_talked_to, sales, orders, forwards, saves, likes } =
            counts.between(from, to);
        Self {
            from,
            to,
            visitors,
            views,
            follow_ups,
            customers_talked_to,
            sales_fen: sales,
            orders,
            forwards,
            saves,
            likes,
        }
    }
}
