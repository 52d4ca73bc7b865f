//! The queries of analyses and top lists: window, kind and length.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use domain::kernel::day::{Day, Window};
use domain::kernel::id::DepartmentId;
use domain::radar::breakdown::BreakdownKind;
use domain::radar::ranking::Metric;
use domain::tracking::event::ObjectType;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;

/// Most rows of a top list.
const ROWS_MAX: usize = 100;
/// Default number of rows: TOP10.
const ROWS_DEFAULT: usize = 10;

edge::closed_sets! {
    /// A window with a first day.
    PastWindow = "yesterday" | "last_7_days" | "last_30_days";
    /// A kind of object that has a top list.
    ListedObject = "product" | "article" | "video";
}

/// The query of analyses and top lists. The structs below show which parameters a route reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowQuery {
    #[serde(default, deserialize_with = "window")]
    window: Option<Window>,
    limit: Option<usize>,
    #[serde(rename = "type")]
    object: Option<ObjectType>,
    metric: Option<Metric>,
    department: Option<DepartmentId>,
}

/// The window of an analysis.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the API document; WindowQuery reads it")]
pub(crate) struct WindowParams {
    /// The days to analyse. `last_7_days` if absent.
    #[param(inline)]
    window: Option<PastWindow>,
}

/// The length of a top list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the API document; WindowQuery reads it")]
pub(crate) struct RowParams {
    /// The maximum number of rows in the answer. 10 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// The kind of objects in a top list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the API document; WindowQuery reads it")]
pub(crate) struct ObjectParams {
    /// The kind of objects to list. `product` if absent.
    #[param(rename = "type", inline)]
    object: Option<ListedObject>,
}

/// The query of a ranking.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the API document; WindowQuery reads it")]
pub(crate) struct RankingParams {
    /// The days to count. `last_7_days` if absent.
    #[param(inline)]
    window: Option<Window>,
    /// The metric to rank by. `sales_fen` if absent.
    #[param(inline)]
    metric: Option<Metric>,
    /// Only employees of this department and the departments below it.
    #[param(inline)]
    department: Option<DepartmentId>,
}

/// A checked query.
pub(crate) struct ChosenWindow {
    pub(crate) window: Window,
    pub(crate) limit: usize,
    pub(crate) objects: BreakdownKind,
    pub(crate) metric: Metric,
    pub(crate) department: Option<DepartmentId>,
}

/// A checked query of a list by days, with the first and the last day.
pub(crate) type WantedDays = (ChosenWindow, (Day, Day));

/// The query string as the router passes it.
pub(crate) type WindowRequest = Result<Query<WindowQuery>, QueryRejection>;

impl ChosenWindow {
    /// Reads the query.
    pub(crate) fn read(asked: WindowRequest) -> Result<Self, Problem> {
        let invalid = || Problem::of(Code::InvalidQuery);
        let Query(WindowQuery { window, limit, object, metric, department }) = asked.map_err(|_| invalid())?;
        let limit = limit.unwrap_or(ROWS_DEFAULT);
        let objects = BreakdownKind::of_views(object.unwrap_or(ObjectType::Product)).ok_or_else(invalid)?;
        if !(1..=ROWS_MAX).contains(&limit) {
            return Err(invalid());
        }
        let window = window.unwrap_or(Window::Last7Days);
        Ok(Self { window, limit, objects, metric: metric.unwrap_or(Metric::Sales), department })
    }

    /// Reads the query of a list by days, and computes these days.
    pub(crate) fn of_days(asked: WindowRequest, today: Day) -> Result<WantedDays, Problem> {
        let wanted = Self::read(asked)?;
        let days = wanted.days(today)?;
        Ok((wanted, days))
    }

    /// First and last day of a window that is not the lifetime: top lists have no total.
    fn days(&self, today: Day) -> Result<(Day, Day), Problem> {
        let (from, to) = self.window.days(today);
        Ok((from.ok_or_else(|| Problem::of(Code::InvalidQuery))?, to))
    }
}

fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Window>, D::Error> {
    let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    Window::from_name(&name).map(Some).ok_or_else(|| de::Error::custom("unknown window"))
}
