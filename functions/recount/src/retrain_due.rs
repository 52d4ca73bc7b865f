//! The companies whose retraining is due, and the log lines of retrainings.

use domain::close_rate::retrain::{RetrainReport, Verdict, next_retrain};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::CompanyId;
use domain::kernel::timestamp::Timestamp;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use store::PutAside;

use crate::retrain::RetrainJob;
use crate::{BEGUN_MS, Recounter};

/// The log line of a company's retraining, which is also its metrics.
#[derive(Debug, Serialize)]
struct RetrainLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    company_id: CompanyId,
    written: bool,
    verdict: Verdict,
    closed: usize,
    open: usize,
    /// Companies with a model of their own: 1 or 0.
    own_models: usize,
    /// Shortlists that were rebuilt.
    lists: usize,
    /// Items that could not be read: each is marked with its reason, and passed.
    put_aside: usize,
    retrain_ms: i64,
}

impl EmfMetrics for RetrainLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] =
        &[("own_models", "Count"), ("lists", "Count"), ("put_aside", "Count"), ("retrain_ms", "Milliseconds")];
}

impl Recounter {
    /// Retrains the due companies, the longest waiting first; returns their number.
    pub(crate) async fn due_retrainings(&self, stop_at: Timestamp, request_id: &str) -> Result<usize, Failure> {
        let retrain = |company| async move { self.retrain(company, true, request_id).await.map(drop) };
        let swept = self.store.sweep_retrainings(&self.limits(stop_at), BEGUN_MS, retrain).await;
        self.ended("retrainings", swept, request_id)
    }

    /// Retrains a company. A call that is cut short before the lists are rebuilt leaves the company
    /// due in an hour; until then each list names the model it was made by.
    pub(crate) async fn retrain(
        &self,
        company: Company,
        write: bool,
        request_id: &str,
    ) -> Result<RetrainReport, Failure> {
        let began = self.clock.now();
        let mut aside = PutAside::default();
        let (job, fitted) = Box::pin(RetrainJob::fit(&self.store, company, began, &mut aside)).await?;
        let mut lists = 0;
        if write {
            self.store.set_close_rate_model(company, &fitted, began.plus_millis(BEGUN_MS)).await?;
            lists = Box::pin(job.make_lists(&fitted, &mut aside)).await?;
            Box::pin(job.refresh_list(&mut aside)).await?;
            self.store.set_close_rate_model(company, &fitted, next_retrain(began)).await?;
        }
        let now = self.clock.now();
        self.store.mark_aside(company, &aside, now).await?;
        let line = RetrainLine {
            level: "INFO",
            message: "retrain",
            function: "recount",
            request_id,
            company_id: company.id(),
            written: write,
            verdict: fitted.report.verdict,
            closed: fitted.report.closed,
            open: fitted.report.open,
            own_models: usize::from(fitted.report.verdict == Verdict::Kept),
            lists,
            put_aside: aside.len(),
            retrain_ms: now.millis() - began.millis(),
        };
        emit(&line, now);
        Ok(fitted.report)
    }
}
