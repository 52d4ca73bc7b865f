//! Work that is due after some time. A schedule calls it; the next run continues after a run that
//! failed or was cut short.

mod leaderboard;
mod upload;

use domain::kernel::failure::Failure;
use domain::kernel::timestamp::SECOND_MS;
use runtime::clock::Clock;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use store::Store;

/// Most holds, and most chunks of deltas, in one run: far below the function's time-out.
const SWEPT_MAX: u32 = 2_000;
/// Most shortlist marks in one run. A rejected mark is tried again by the next run, not by this
/// one.
const SHORTLIST_REFRESHES_MAX: u32 = 500;

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
    /// Uploads that were deleted because nothing shows them.
    pub expired_uploads: usize,
}

impl EmfMetrics for RunLine {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[
        ("expired_holds", "Count"),
        ("pending_deltas", "Count"),
        ("leaderboards", "Count"),
        ("shortlist_refreshes", "Count"),
        ("expired_uploads", "Count"),
    ];
}

impl Housekeeping {
    /// One run.
    ///
    /// # Errors
    /// [`Failure`] of table or bucket; the work done before it is kept.
    pub async fn run(&self, request_id: &str) -> Result<RunLine, Failure> {
        let now = self.clock.now();
        // A list that fails must not stop the others; the run still fails.
        let expired_holds = self.store.sweep_expired_holds(now, SWEPT_MAX).await;
        let pending_deltas = self.store.sweep_pending_deltas(now, SWEPT_MAX).await;
        let shortlist_refreshes = self.store.sweep_shortlist_refreshes(now, SHORTLIST_REFRESHES_MAX).await;
        let expired_uploads = upload::delete(&self.store, &self.s3, &self.media_bucket, now).await;
        let leaderboards = leaderboard::refresh(&self.store, now, i64::from(self.leaderboards_lag_s) * SECOND_MS).await;
        let line = RunLine {
            level: "INFO",
            message: "run",
            function: "housekeeping",
            request_id: request_id.to_owned(),
            expired_holds: expired_holds?,
            leaderboards: leaderboards?,
            pending_deltas: pending_deltas?,
            shortlist_refreshes: shortlist_refreshes?,
            expired_uploads: expired_uploads?,
        };
        emit(&line, now);
        Ok(line)
    }
}
