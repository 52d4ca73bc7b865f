//! Jobs for many customers, and the rules of automation. A message asks for the next steps of one job; what is left after some
//! seconds gets a message at the end of the queue, so that all open jobs take turns. A schedule sends the
//! first message of each job, and another one when nobody goes on with it.

pub mod files;
mod message;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::JobId;
use domain::kernel::timestamp::SECOND_MS;
use runtime::batch::{self, Outcome};
use runtime::clock::Clock;
use runtime::delivery::{Delivery, Reason};
use runtime::failed_messages::FailedMessages;
use runtime::ids::Ids;
use runtime::job_queue::JobQueue;
use runtime::metrics::{EmfMetrics, emit};
use serde::{Deserialize, Serialize};
use store::{Store, SweepLimits};

use app::crm::automation_run;
use app::crm::job_run::{JobContext, JobProgress, go_on};

use crate::files::BucketFiles;

/// How long one message works. A step takes some seconds at most; the time-out is 60.
const SLICE_MS: i64 = 20 * SECOND_MS;
/// Most messages that one run of the schedule sends.
const SENT_MAX: u32 = 1_000;
/// How long one run of a schedule begins new things.
const RUN_MS: i64 = 30 * SECOND_MS;
/// Most companies whose rules of automation look at what has happened in one run.
const COMPANIES_MAX: u32 = 1_000;

/// The state of the handler.
#[derive(Debug)]
pub struct JobWorker<D> {
    /// The table.
    pub store: Store,
    /// The queue of the next steps.
    pub queue: JobQueue,
    /// What becomes of messages that were not processed.
    pub failed: D,
    /// Deliveries after which a message goes to the dead-letter queue.
    pub max_attempts: u32,
    /// Returns the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
    /// The minimum age, in seconds, of a feed page that rules of automation evaluate.
    pub automation_lag_s: u32,
    /// The files of jobs.
    pub files: BucketFiles,
}

/// A call of the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum JobCall {
    /// Messages of the queue.
    Messages(SqsEvent),
    /// The schedule of jobs.
    Jobs(JobSchedule),
    /// The schedule of automation.
    Automation(AutomationSchedule),
}

/// The payload of the schedule of automation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomationSchedule {
    /// The rules that look: those that are due.
    pub automation: ScheduledWork,
}

/// The payload of the schedule of jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSchedule {
    /// The jobs to send: those that are due.
    pub send: ScheduledWork,
}

/// What a schedule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledWork {
    /// What is due: of jobs new ones, and those with which nobody goes on.
    Due,
}

/// The log line of a call, which is also its metrics.
#[derive(Debug, Default, Serialize)]
struct JobsLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    slices: usize,
    sent: usize,
    automation_companies: usize,
    retried: usize,
    failed_items: usize,
}

impl EmfMetrics for JobsLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[
        ("slices", "Count"),
        ("sent", "Count"),
        ("automation_companies", "Count"),
        ("retried", "Count"),
        ("failed_items", "Count"),
    ];
}

/// Goes on with the jobs of messages, or sends those that are due.
pub async fn handle<D: FailedMessages>(worker: &JobWorker<D>, call: JobCall, request_id: &str) -> SqsBatchResponse {
    let mut line = JobsLine { level: "INFO", message: "jobs", function: "crm-jobs", request_id, ..JobsLine::default() };
    let response = match call {
        JobCall::Messages(event) => worker.messages(event, &mut line).await,
        JobCall::Jobs(JobSchedule { send: ScheduledWork::Due }) => {
            worker.send_due(&mut line).await;
            SqsBatchResponse::default()
        }
        JobCall::Automation(AutomationSchedule { automation: ScheduledWork::Due }) => {
            worker.automate(&mut line).await;
            SqsBatchResponse::default()
        }
    };
    emit(&line, worker.clock.now());
    response
}

impl<D: FailedMessages> JobWorker<D> {
    async fn messages(&self, event: SqsEvent, line: &mut JobsLine<'_>) -> SqsBatchResponse {
        let slices = &mut line.slices;
        let response = batch::handle(event, self.max_attempts, &self.failed, async |deliveries: &[Delivery]| {
            let mut outcomes = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                outcomes.push(self.message(delivery).await);
                *slices += 1;
            }
            outcomes
        })
        .await;
        line.retried = response.batch_item_failures.len();
        response
    }

    /// Takes the next steps of a job. What is left is asked for by a new message before this one ends.
    async fn message(&self, delivery: &Delivery) -> Outcome {
        let (company, job) = match message::read(&delivery.body) {
            Ok(read) => read,
            Err(reason) => return Outcome::Poison(reason),
        };
        match self.go_on(company, job, delivery.attempts).await {
            Ok(()) => Outcome::Done,
            Err(Failure::Corrupt(cause)) => Outcome::Poison(Reason::new("unreadable_job", cause)),
            Err(failure) => Outcome::Retry(Reason::from(&failure)),
        }
    }

    async fn go_on(&self, company: Company, job: JobId, attempts: u32) -> Result<(), Failure> {
        let stop_at = self.clock.now().plus_millis(SLICE_MS);
        let Self { store, ids, clock, files, .. } = self;
        let progress = go_on(JobContext { store, ids, clock, files, attempts }, company, job, stop_at).await;
        files.forget();
        match progress? {
            JobProgress::More => self.queue.send(company.id(), job).await,
            JobProgress::Over => Ok(()),
        }
    }

    async fn send_due(&self, line: &mut JobsLine<'_>) {
        let limits = self.limits(SENT_MAX);
        let send = |company: Company, job| async move { self.queue.send(company.id(), job).await };
        let sweep = self.store.sweep_jobs(&limits, send).await;
        (line.sent, line.failed_items) = (sweep.done, sweep.failed);
        if sweep.failure.is_some() {
            line.level = "WARN";
        }
    }

    /// Lets the rules of automation of companies look at what has happened.
    async fn automate(&self, line: &mut JobsLine<'_>) {
        let limits = self.limits(COMPANIES_MAX);
        let limits = &limits;
        let run = |company| async move {
            let may_go_on = || self.clock.now() <= limits.last_start;
            let lag_ms = i64::from(self.automation_lag_s) * SECOND_MS;
            let run = automation_run::run((&self.store, &self.ids, &self.clock), company, lag_ms, may_go_on);
            Box::pin(run).await.map(drop)
        };
        let sweep = self.store.sweep_automation(limits, run).await;
        (line.automation_companies, line.failed_items) = (sweep.done, sweep.failed);
        if sweep.failure.is_some() {
            line.level = "WARN";
        }
    }

    fn limits(&self, items: u32) -> SweepLimits {
        let last_start = self.clock.now().plus_millis(RUN_MS);
        SweepLimits { items, clock: self.clock.clone(), last_start }
    }
}
