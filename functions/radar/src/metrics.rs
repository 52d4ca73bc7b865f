//! `GET /v1/radar/…/metrics`: the nine metrics in the four windows, each with the window
//! before.

use axum::Json;
use axum::extract::State;
use domain::company::Company;
use domain::counter::Scope;
use domain::day::{Day, Window};
use domain::failure::Failure;
use domain::metrics::{Metrics, ScopeCounts};
use domain::money::Fen;
use domain::timestamp::Timestamp;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The nine metrics in each window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dashboard {
    /// The day the windows end on, in Asia/Shanghai.
    #[schema(value_type = String, format = Date)]
    today: Day,
    /// When these numbers were last recounted from the event log, every night; `null` before
    /// the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// By window.
    windows: Windows,
}

/// The four windows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Windows {
    /// 汇总: since the beginning.
    total: WindowMetrics,
    /// 昨日: the previous calendar day.
    yesterday: WindowMetrics,
    /// 近7天: the last 7 days, today included.
    last_7_days: WindowMetrics,
    /// 近30天: the last 30 days, today included.
    last_30_days: WindowMetrics,
}

/// One window, and as many days right before it to compare with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowMetrics {
    #[serde(flatten)]
    metrics: PeriodMetrics,
    /// The window before; `null` for the lifetime.
    previous: Option<PeriodMetrics>,
}

/// The nine metrics of some days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeriodMetrics {
    /// First day; `null` for the lifetime.
    #[schema(value_type = Option<String>, format = Date)]
    from: Option<Day>,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    to: Day,
    /// 客户总数 UV: distinct people with a view.
    visitors: i64,
    /// 浏览总数 PV.
    views: i64,
    /// 跟进总数.
    follow_ups: i64,
    /// 沟通总客户数: distinct people who opened a chat.
    customers_talked_to: i64,
    /// 商城销售金额, in fen.
    #[schema(value_type = i64)]
    sales_fen: Fen,
    /// 商城订单数.
    orders: i64,
    /// 被转发总数.
    forwards: i64,
    /// 被保存次数.
    saves: i64,
    /// 被点赞总数.
    likes: i64,
}

/// A card's metrics
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/metrics", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path)),
    responses((status = 200, body = Dashboard), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_metrics(State(app): State<App>, scope: RadarScope) -> Result<Json<Dashboard>, Problem> {
    Ok(Json(dashboard(&app, scope.company(), scope.scope()).await?))
}

/// The company's metrics
#[utoipa::path(get, path = "/v1/radar/company/metrics", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = Dashboard), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_metrics(State(app): State<App>, scope: RadarScope) -> Result<Json<Dashboard>, Problem> {
    Ok(Json(dashboard(&app, scope.company(), scope.scope()).await?))
}

/// A department's metrics
///
/// What happened on cards while they were in it, or below it. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/departments/{department_id}/metrics", tag = "radar", security(("bearer" = [])), params(("department_id" = String, Path)),
    responses((status = 200, body = Dashboard), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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
    /// Those of at most 30 days, or of the lifetime.
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
