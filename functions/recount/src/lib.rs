//! Recounts companies from their event logs, one after the other: those that are due every night,
//! and one that an operator names at once. Once a week it fits a close-rate model for each.

mod company;
mod customer_list;
mod log;
mod obscure;
mod retrain;
mod retrain_due;

use domain::close_rate::retrain::first_retrain;
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::CompanyId;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::radar::recount::RecountReport;
use runtime::clock::Clock;
use runtime::metrics::{EmfMetrics, emit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Store, Sweep, SweepLimits};

/// Companies read together: with their reports they stay below the megabyte of a query.
const PAGE: u32 = 100;
/// How long a company that a call has begun is reserved for it: longer than a call, and short
/// enough that a failed one is tried again in the same night. A company that fails again and again
/// waits longer each time.
const BEGUN_MS: i64 = 3_600 * SECOND_MS;

/// Recounts the companies of a table.
#[derive(Debug)]
pub struct Recounter {
    /// The table.
    pub store: Store,
    /// Returns the time.
    pub clock: Clock,
}

/// The payload of a call.
#[derive(Debug)]
enum RecountRequest {
    /// The companies that are due; the schedule sends it.
    Due,
    /// One company, now.
    One(Command),
    /// Lists the companies.
    List(Listing),
    /// The companies whose retraining is due; the other schedule sends it.
    RetrainDue,
    /// The retraining of one company, now.
    Retrain(RetrainCommand),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    company_id: CompanyId,
    /// Whether it writes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetrainCommand {
    retrain: CompanyId,
    /// Whether it writes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    /// The `next` of the page before; `null` for the first.
    companies_after: Option<String>,
}

impl RecountRequest {
    fn read(payload: Value) -> Result<Self, Failure> {
        let read = if payload.get("company_id").is_some() {
            serde_json::from_value(payload).map(Self::One)
        } else if payload.get("companies_after").is_some() {
            serde_json::from_value(payload).map(Self::List)
        } else if payload.get("retrain").is_some_and(|retrain| retrain == "due") {
            Ok(Self::RetrainDue)
        } else if payload.get("retrain").is_some() {
            serde_json::from_value(payload).map(Self::Retrain)
        } else {
            Ok(Self::Due)
        };
        read.map_err(|error| Failure::Corrupt(format!("request: {error}")))
    }
}

/// The log line of a company's recount, which is also its metrics.
#[derive(Debug, Serialize)]
struct CompanyLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    company_id: CompanyId,
    repaired: bool,
    events: u64,
    people: u64,
    drift: u64,
    unchecked: u64,
    /// Rows and numbers of the list of customers that were wrong.
    listed: usize,
    /// Items that could not be read: each is marked with its reason, and passed.
    put_aside: usize,
    took_ms: i64,
}

impl EmfMetrics for CompanyLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[
        ("events", "Count"),
        ("drift", "Count"),
        ("unchecked", "Count"),
        ("listed", "Count"),
        ("put_aside", "Count"),
        ("took_ms", "Milliseconds"),
    ];
}

/// The log line of a call for the due companies, which is also its metrics.
#[derive(Debug, Serialize)]
struct CallLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    /// Companies that were done.
    companies: usize,
    /// Companies that failed, and were postponed.
    failed_items: usize,
}

impl EmfMetrics for CallLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("companies", "Count"), ("failed_items", "Count")];
}

impl Recounter {
    /// Does the work of the payload, and begins nothing new if the time until `stop_at` is too
    /// short.
    ///
    /// # Errors
    /// [`Failure`] of the table, for one company at least; the others were recounted.
    pub async fn run(&self, payload: Value, stop_at: Timestamp, request_id: &str) -> Result<Value, Failure> {
        match RecountRequest::read(payload)? {
            RecountRequest::Due => {
                self.due(stop_at, request_id).await.map(|recounted| json!({ "recounted": recounted }))
            }
            RecountRequest::One(Command { company_id, dry_run }) => {
                let company = Company::granted(company_id);
                self.store.company(company).await?;
                let report = self.recount(company, !dry_run, stop_at, request_id).await?;
                serde_json::to_value(report).map_err(|error| Failure::Corrupt(error.to_string()))
            }
            RecountRequest::RetrainDue => {
                self.due_retrainings(stop_at, request_id).await.map(|retrained| json!({ "retrained": retrained }))
            }
            RecountRequest::Retrain(RetrainCommand { retrain, dry_run }) => {
                let company = Company::granted(retrain);
                self.store.company(company).await?;
                let report = self.retrain(company, !dry_run, request_id).await?;
                serde_json::to_value(report).map_err(|error| Failure::Corrupt(error.to_string()))
            }
            RecountRequest::List(Listing { companies_after }) => {
                // All of them: each is due by the next night at the latest.
                let all = self.clock.now().plus_millis(30 * domain::kernel::timestamp::DAY_MS);
                let page = self.store.recounts_due(all, companies_after.as_deref(), PAGE).await;
                page.failed?;
                let companies: Vec<_> = page.items.iter().map(|company| company.id()).collect();
                Ok(json!({ "companies": companies, "next": page.next }))
            }
        }
    }

    /// Recounts the due companies, the longest waiting first; returns their number.
    async fn due(&self, stop_at: Timestamp, request_id: &str) -> Result<usize, Failure> {
        let recount = |company| async move { self.recount(company, true, stop_at, request_id).await.map(drop) };
        let swept = self.store.sweep_recounts(&self.limits(stop_at), BEGUN_MS, recount).await;
        self.ended("recounts", swept, request_id)
    }

    /// Work that begins in the first half of a call has at least as much time left.
    pub(crate) fn limits(&self, stop_at: Timestamp) -> SweepLimits {
        let now = self.clock.now();
        let last_start = now.plus_millis((stop_at.millis() - now.millis()) / 2);
        SweepLimits { items: u32::MAX, clock: self.clock.clone(), last_start }
    }

    /// Emits the metrics of a call, and returns how many companies were done. The call fails when one
    /// company did; the others were done.
    pub(crate) fn ended(&self, message: &'static str, swept: Sweep, request_id: &str) -> Result<usize, Failure> {
        let line = CallLine {
            level: if swept.failure.is_some() { "WARN" } else { "INFO" },
            message,
            function: "recount",
            request_id,
            companies: swept.done,
            failed_items: swept.failed,
        };
        emit(&line, self.clock.now());
        swept.result()
    }

    async fn recount(
        &self,
        company: Company,
        repair: bool,
        stop_at: Timestamp,
        request_id: &str,
    ) -> Result<RecountReport, Failure> {
        let began = self.clock.now();
        let (report, aside, listed) =
            Box::pin(company::recount(&self.store, company, repair, &self.clock, stop_at)).await?;
        let now = self.clock.now();
        let line = CompanyLine {
            level: if report.wrong() > 0 { "WARN" } else { "INFO" },
            message: "recount",
            function: "recount",
            request_id,
            company_id: company.id(),
            repaired: repair,
            events: report.events,
            people: report.people,
            drift: report.wrong(),
            unchecked: report.unchecked(),
            listed,
            put_aside: aside.len(),
            took_ms: now.millis() - began.millis(),
        };
        // First, because a repeated run does not find the repaired numbers again.
        emit(&line, now);
        if repair {
            self.store.end_recount(company, &report, Day::of(now).plus(1).start()).await?;
            // Companies that are older than retraining have no due time yet.
            self.store.await_retrain(company, first_retrain(company.id(), now)).await?;
        }
        Ok(report)
    }
}
