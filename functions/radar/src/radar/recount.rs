//! `GET /v1/radar/company/recount`: when the company's numbers were last recounted from the event
//! log, and the result.

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, DepartmentId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::recount::{Finding, Measure, RecountReport};
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The last recount of the stored numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastRecount {
    /// When the recount began. `null` before the first night.
    checked_at: Option<Timestamp>,
    /// How many events were recounted.
    events: u64,
    /// How many identities of visitors were recounted.
    people: u64,
    /// The errors of the stored numbers, one row for each measure. They have been repaired.
    drift: Vec<MeasureDrift>,
    /// How many visitors had a wrong history that has been repaired.
    people_repaired: u64,
    /// The numbers that could not be checked.
    unchecked: Unchecked,
    /// The repaired numbers, the largest difference first, at most 50.
    repairs: Vec<Repair>,
}

/// The errors of the stored numbers of a measure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeasureDrift {
    /// The measure.
    measure: Measure,
    /// How many stored numbers were wrong.
    counters: u64,
    /// The sum of all differences, without signs.
    amount: u64,
}

/// Numbers that could not be checked, because they changed during the recount or are too old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unchecked {
    /// How many sets of numbers were not checked. A set belongs to a card, a department or the
    /// company, and to a day or the lifetime.
    counters: u64,
    /// How many visitors were not checked.
    people: u64,
}

/// A number that was repaired.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Repair {
    /// The measure.
    measure: Measure,
    /// The card. `null` for a number of a department or the company.
    card_id: Option<CardId>,
    /// The department. `null` for a number of a card or the company.
    department_id: Option<DepartmentId>,
    /// The day in Asia/Shanghai. `null` for the lifetime.
    day: Option<Day>,
    /// The number that was stored.
    before: i64,
    /// The number in the event log, which is stored now.
    after: i64,
}

/// Get the last recount
///
/// Returns the time of the last comparison of all stored numbers with the event log, and the
/// repairs. The comparison runs every night. Callers: admins and the boss, while their own radar is
/// on. Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar
/// of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/recount", tag = "radar", responses((status = 200, body = LastRecount)))]
pub(crate) async fn get_recount(State(app): State<App>, scope: RadarScope) -> Result<Json<LastRecount>, Problem> {
    let report = app.store.recount_report(scope.company()).await?;
    Ok(Json(LastRecount::of(report)))
}

impl LastRecount {
    fn of(report: Option<RecountReport>) -> Self {
        let checked_at = report.as_ref().map(|report| report.at);
        let RecountReport {
            events, people, drift, customers, unchecked_counters, unchecked_customers, findings, ..
        } = report.unwrap_or_else(|| RecountReport::begun(Timestamp::from_millis(0), true));
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
