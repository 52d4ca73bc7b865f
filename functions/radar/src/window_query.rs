//! Which window is asked for, and of what.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use domain::day::{Day, Window};
use domain::event::ObjectType;
use domain::id::DepartmentId;
use domain::ranking::Metric;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;

/// Most rows of a top list.
const ROWS_MAX: usize = 100;
/// Rows unless asked otherwise: TOP10.
const ROWS_DEFAULT: usize = 10;

/// The query of analyses and top lists.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WindowQuery {
    /// `yesterday`, `last_7_days` (if absent) or `last_30_days`.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "window")]
    window: Option<Window>,
    /// Rows of a top list, 1 to 100; 10 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// For viewed things: `product` (if absent), `article` or `video`.
    #[param(value_type = Option<String>)]
    #[serde(rename = "type")]
    object: Option<ObjectType>,
    /// For rankings: what employees are ranked by; `sales_fen` if absent.
    #[param(value_type = Option<String>)]
    metric: Option<Metric>,
    /// For rankings: only employees of this department and the ones below it.
    #[param(value_type = Option<String>)]
    department: Option<DepartmentId>,
}

/// What is asked for, checked.
pub(crate) struct Wanted {
    pub(crate) window: Window,
    pub(crate) limit: usize,
    pub(crate) object: ObjectType,
    pub(crate) metric: Metric,
    pub(crate) department: Option<DepartmentId>,
}

/// What is asked for of a list that is about days, with its first and last one.
pub(crate) type WantedDays = (Wanted, (Day, Day));

/// A query as the router gives it.
pub(crate) type Asked = Result<Query<WindowQuery>, QueryRejection>;

impl Wanted {
    /// Reads the query.
    pub(crate) fn read(asked: Asked) -> Result<Self, Problem> {
        let invalid = || Problem::of(Code::InvalidQuery);
        let Query(WindowQuery { window, limit, object, metric, department }) = asked.map_err(|_| invalid())?;
        let limit = limit.unwrap_or(ROWS_DEFAULT);
        let object = object.unwrap_or(ObjectType::Product);
        let listed = matches!(object, ObjectType::Product | ObjectType::Article | ObjectType::Video);
        if !(1..=ROWS_MAX).contains(&limit) || !listed {
            return Err(invalid());
        }
        let window = window.unwrap_or(Window::Last7Days);
        Ok(Self { window, limit, object, metric: metric.unwrap_or(Metric::Sales), department })
    }

    /// Reads the query of a list that is about days, and which days these are.
    pub(crate) fn of_days(asked: Asked, today: Day) -> Result<WantedDays, Problem> {
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
