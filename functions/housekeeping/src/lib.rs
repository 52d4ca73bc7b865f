//! Work that is due after some time. A schedule calls it; the next run continues after a run that
//! failed or ran out of time.

mod export;
mod leaderboard;
mod upload;

use std::sync::{Mutex, PoisonError};

use app::Flow;
use app::crm::recycling;
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use runtime::clock::Clock;
use runtime::ids::Ids;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use store::{Progress, PutAside, Store, Sweep, SweepLimits};

/// Most holds, and most chunks of deltas, in one run: far below the function's time-out.
const SWEPT_MAX: u32 = 2_000;
/// Most shortlist marks in one run.
const SHORTLIST_REFRESHES_MAX: u32 = 500;
/// Most uploads deleted in one run, at two calls each.
const UPLOADS_MAX: u32 = 500;
/// Most erasures finished in one run.
const ERASURES_MAX: u32 = 100;
/// Most companies whose leaderboards are updated in one run.
const COMPANIES_MAX: u32 = 100;

/// What the companies of a run have put aside.
#[derive(Debug, Default)]
struct AsideOfRun {
    items: usize,
    first: Option<Failure>,
}

impl AsideOfRun {
    fn add(&mut self, aside: &PutAside) {
        self.items += aside.len();
        if let Some(failure) = aside.first() {
            self.first.get_or_insert_with(|| failure.clone());
        }
    }
}

/// The resources of a run.
#[derive(Debug)]
pub struct Housekeeping {
    /// The table.
    pub store: Store,
    /// The minimum age, in seconds, of a feed page that is added to the leaderboards.
    pub leaderboards_lag_s: u32,
    /// The files.
    pub s3: aws_sdk_s3::Client,
    /// The bucket of uploaded files.
    pub media_bucket: String,
    /// Returns the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
}

/// The counts of a run; also its log line and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunLine {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: String,
    /// Holds that ended: their seats were freed, were all used before, or another caller ended the
    /// hold at the same moment.
    pub expired_holds: usize,
    /// Companies whose leaderboards were updated.
    pub leaderboards: usize,
    /// Chunks of deltas, left by merges or by large segments, that were counted in this run.
    pub pending_deltas: usize,
    /// Processed marks to refresh a customer's rank in the shortlists.
    pub shortlist_refreshes: usize,
    /// Erasures that were finished: what was kept of a person is gone.
    pub erasures: usize,
    /// Companies whose rules of recycling were applied to their customers.
    pub recycled_companies: usize,
    /// Uploads that were deleted because nothing shows them.
    pub expired_uploads: usize,
    /// Items of companies that could not be read: each is marked with its reason, and passed.
    pub put_aside: usize,
    /// Things of all lists that failed, and were postponed, and what was put aside.
    pub failed_items: usize,
}

impl EmfMetrics for RunLine {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[
        ("expired_holds", "Count"),
        ("pending_deltas", "Count"),
        ("leaderboards", "Count"),
        ("shortlist_refreshes", "Count"),
        ("erasures", "Count"),
        ("recycled_companies", "Count"),
        ("expired_uploads", "Count"),
        ("put_aside", "Count"),
        ("failed_items", "Count"),
    ];
}

impl Housekeeping {
    /// One run, which begins nothing after `stop_at`. Its metrics are emitted whatever fails.
    ///
    /// # Errors
    /// The first [`Failure`] of table or bucket, after all other work was done.
    pub async fn run(&self, stop_at: Timestamp, request_id: &str) -> Result<RunLine, Failure> {
        let (line, failure) = Box::pin(self.sweep(stop_at, request_id)).await;
        emit(&line, self.clock.now());
        failure.map_or(Ok(line), Err)
    }

    /// Does the work of a run; returns its counts, and the first failure.
    pub async fn sweep(&self, stop_at: Timestamp, request_id: &str) -> (RunLine, Option<Failure>) {
        let limits = |items| SweepLimits { items, clock: self.clock.clone(), last_start: stop_at };
        let holds = self.store.sweep_expired_holds(&limits(SWEPT_MAX)).await;
        let deltas = self.store.sweep_pending_deltas(&limits(SWEPT_MAX)).await;
        let marks = self.store.sweep_shortlist_refreshes(&limits(SHORTLIST_REFRESHES_MAX)).await;
        let uploads = self.delete_uploads(&limits(UPLOADS_MAX)).await;
        let erasures = self.finish_erasures(&limits(ERASURES_MAX)).await;
        let aside = Mutex::new(AsideOfRun::default());
        let leaderboards = self.update_leaderboards(&limits(COMPANIES_MAX), &aside).await;
        let AsideOfRun { items: put_aside, first } = aside.into_inner().unwrap_or_else(PoisonError::into_inner);
        let recycling = self.recycle(&limits(COMPANIES_MAX)).await;
        let sweeps = [&holds, &deltas, &marks, &uploads, &erasures, &leaderboards, &recycling];
        let failed_items = sweeps.iter().map(|sweep| sweep.failed).sum::<usize>() + put_aside;
        let failure = sweeps.iter().find_map(|sweep| sweep.failure.clone()).or(first);
        let line = RunLine {
            level: if failure.is_some() { "WARN" } else { "INFO" },
            message: "run",
            function: "housekeeping",
            request_id: request_id.to_owned(),
            expired_holds: holds.done,
            leaderboards: leaderboards.done,
            pending_deltas: deltas.done,
            shortlist_refreshes: marks.done,
            erasures: erasures.done,
            recycled_companies: recycling.done,
            expired_uploads: uploads.done,
            put_aside,
            failed_items,
        };
        (line, failure)
    }

    /// Finishes the erasures that have begun.
    pub async fn finish_erasures(&self, limits: &SweepLimits) -> Sweep {
        let delete = |company| export::delete_exports(&self.s3, &self.media_bucket, company);
        self.store.sweep_erasures(limits, delete).await
    }

    async fn delete_uploads(&self, limits: &SweepLimits) -> Sweep {
        let delete = |upload| upload::delete_file(&self.s3, &self.media_bucket, upload);
        self.store.sweep_uploads(limits, delete).await
    }

    /// Applies the rules of recycling of companies.
    async fn recycle(&self, limits: &SweepLimits) -> Sweep {
        let recycle = |company| async move {
            let flow = Flow { store: &self.store, ids: &self.ids, now: self.clock.now() };
            let may_go_on = || self.clock.now() <= limits.last_start;
            Box::pin(recycling::recycle(&flow, company, may_go_on)).await.map(drop)
        };
        self.store.sweep_recycling(limits, recycle).await
    }

    /// Updates the leaderboards of companies, and marks what they could not read, whether the update
    /// went through or not.
    async fn update_leaderboards(&self, limits: &SweepLimits, of_run: &Mutex<AsideOfRun>) -> Sweep {
        let (now, lag_ms) = (limits.clock.now(), i64::from(self.leaderboards_lag_s) * SECOND_MS);
        let update = |progress: Progress| async move {
            let mut aside = PutAside::default();
            let updated = Box::pin(leaderboard::update(&self.store, progress, now, lag_ms, &mut aside)).await;
            let marked = self.store.mark_aside(progress.company, &aside, now).await;
            of_run.lock().unwrap_or_else(PoisonError::into_inner).add(&aside);
            updated.and(marked)
        };
        self.store.sweep_leaderboards(limits, update).await
    }
}
