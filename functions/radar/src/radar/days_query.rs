//! The query of two days, both included.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use domain::kernel::day::Day;
use domain::kernel::field::FieldError;
use domain::radar::day_range::DayRange;
use edge::problem::{Code, FieldProblem, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

/// The query of days; [`DaysParams`] describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DaysQuery {
    from: Option<String>,
    to: Option<String>,
}

/// The query string as the router passes it.
pub(crate) type DaysRequest = Result<Query<DaysQuery>, QueryRejection>;

/// First and last day.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the API document; DaysQuery reads it")]
pub(crate) struct DaysParams {
    /// The first day in Asia/Shanghai, at most 399 days ago. 29 days before the last day if absent.
    #[param(inline)]
    from: Option<Day>,
    /// The last day in Asia/Shanghai. Today if absent.
    #[param(inline)]
    to: Option<Day>,
}

/// Reads the query. What is wrong with a day stands in `errors`.
pub(crate) fn read_days(asked: DaysRequest, today: Day) -> Result<DayRange, Problem> {
    let Query(DaysQuery { from, to }) = asked.map_err(|_| Problem::of(Code::InvalidQuery))?;
    let range = day(from.as_deref(), "from").and_then(|from| Ok((from, day(to.as_deref(), "to")?)));
    let range = range.and_then(|(from, to)| DayRange::new(from, to, today));
    range.map_err(|error| Problem::of(Code::InvalidQuery).with_errors(vec![FieldProblem::new("", &error)]))
}

fn day(text: Option<&str>, name: &'static str) -> Result<Option<Day>, FieldError> {
    text.map(|text| text.parse().map_err(|error: FieldError| error.at(name))).transpose()
}
