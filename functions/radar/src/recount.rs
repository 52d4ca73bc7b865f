//! `GET /v1/radar/company/recount`: when the company's numbers were last recounted from the
//! event log, and what was found.

use axum::Json;
use axum::extract::State;
use domain::day::Day;
use domain::id::{CardId, DepartmentId};
use domain::recount::{Finding, Measure, Report};
use domain::timestamp::Timestamp;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The last recount.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastRecount {
    /// When it began; `null` before the first night.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// Events that were recounted.
    events: u64,
    /// Identities of visitors that were recounted.
    people: u64,
    /// How wrong the stored numbers were, one row for each measure; 0 where all was right.
    /// They have been repaired.
    drift: Vec<MeasureDrift>,
    /// Visitors whose remembered history was wrong, and has been repaired.
    people_repaired: u64,
    /// What could not be checked.
    unchecked: Unchecked,
    /// At most 50 of the numbers that were repaired, the most wrong first.
    repairs: Vec<Repair>,
}

/// A measure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeasureDrift {
    /// `visitors`, `new_visitors`, `views`, `customers_talked_to`, `forwards`, `saves`, `likes`,
    /// `shop_visitors`, `dwell_ms`, `other_events`, `forwarded_objects`, `active_hours` or `filtered`.
    #[schema(value_type = String)]
    measure: Measure,
    /// How many stored numbers were wrong.
    counters: u64,
    /// By how much, added up without signs.
    amount: u64,
}

/// What could not be checked, because it was written all the time or goes back too far.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unchecked {
    /// Sets of numbers of a card, a department or the company and a day or the lifetime.
    counters: u64,
    /// Visitors.
    people: u64,
}

/// A number that was repaired.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Repair {
    #[schema(value_type = String)]
    measure: Measure,
    /// Of which card; `null` for a department or the company.
    #[schema(value_type = Option<String>)]
    card_id: Option<CardId>,
    /// Of which department, if it is one's.
    #[schema(value_type = Option<String>)]
    department_id: Option<DepartmentId>,
    /// Of which day; `null` for the lifetime.
    #[schema(value_type = Option<String>, format = Date)]
    day: Option<Day>,
    /// What was stored.
    before: i64,
    /// What the log says, and what is stored now.
    after: i64,
}

/// When the numbers were last checked
///
/// Every night all stored numbers are recounted from the event log. For admins and the boss.
#[utoipa::path(get, path = "/v1/radar/company/recount", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = LastRecount), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_recount(State(app): State<App>, scope: RadarScope) -> Result<Json<LastRecount>, Problem> {
    let report = app.store.recount_report(scope.company()).await?;
    Ok(Json(LastRecount::of(report)))
}

impl LastRecount {
    fn of(report: Option<Report>) -> Self {
        let checked_at = report.as_ref().map(|report| report.at);
        let Report { events, people, drift, customers, unchecked_counters, unchecked_customers, findings, .. } =
            report.unwrap_or_else(|| Report::begun(Timestamp::from_millis(0), true));
        let row = |measure: &Measure| {
            let drift = drift.get(measure).copied().unwrap_or_default();
            MeasureDrift { measure: *measure, counters: drift.counters, amount: drift.amount }
        };
        Self {
            checked_at,
            events,
            people,
            drift: Measure::ALL.iter().map(row).collect(),
            people_repaired: customers,
            unchecked: Unchecked { counters: unchecked_counters, people: unchecked_customers },
            repairs: findings.into_iter().map(repair).collect(),
        }
    }
}

fn repair(finding: Finding) -> Repair {
    let Finding { measure, card, department, day, stored, expected } = finding;
    Repair { measure, card_id: card, department_id: department, day, before: stored, after: expected }
}
