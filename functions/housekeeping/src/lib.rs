//! What is to be done when time has passed. Called on a schedule; a run that fails or
//! is cut short leaves the rest to the next one.

mod leaderboards;
mod uploads;

use domain::kernel::failure::Failure;
use domain::kernel::timestamp::SECOND_MS;
use runtime::clock::Clock;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use store::Store;

/// Most holds, and most lots of changes, in one run: far below the function's time-out.
const SWEPT_MAX: u32 = 2_000;
/// Marks of places in shortlists looked at in one run: what is refused is met again by the
/// next run, not by this one.
const SHORTLIST_REFRESHES_MAX: u32 = 500;

/// What a run does its work with.
#[derive(Debug)]
pub struct Housekeeping {
    /// The table.
    pub store: Store,
    /// How old a page of a company's feed must be before it is in the boards, in seconds.
    pub boards_lag_s: u32,
    /// The files.
    pub s3: aws_sdk_s3::Client,
    /// The bucket of uploaded files.
    pub media_bucket: String,
    /// Tells the time.
    pub clock: Clock,
}

/// What a run has done; also its log line and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunLine {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: String,
    /// Holds whose units were freed, or had left it one by one, or that somebody else ended
    /// at the same moment.
    pub expired_holds: usize,
    /// Companies whose boards were brought up to date.
    pub boards: usize,
    /// Lots of changes that merges, or segments too large, had left, and that are counted now.
    pub pending_deltas: usize,
    /// Marks that somebody's place in the shortlists was to be looked at.
    pub standings: usize,
    /// Uploads that were deleted because nothing shows them.
    pub expired_uploads: usize,
}

impl EmfMetrics for RunLine {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[
        ("expired_holds", "Count"),
        ("pending_tallies", "Count"),
        ("boards", "Count"),
        ("standings", "Count"),
        ("expired_uploads", "Count"),
    ];
}

impl Housekeeping {
    /// One run.
    ///
    /// # Errors
    /// [`Failure`] of table or bucket; what was done until then stays done.
    pub async fn run(&self, request_id: &str) -> Result<RunLine, Failure> {
        let now = self.clock.now();
        // One list that fails must not stop the others; the run still fails.
        let expired_holds = self.store.sweep_expired_holds(now, SWEPT_MAX).await;
        let pending_deltas = self.store.sweep_pending_deltas(now, SWEPT_MAX).await;
        let standings = self.store.sweep_shortlist_refreshes(now, SHORTLIST_REFRESHES_MAX).await;
        let expired_uploads = uploads::delete(&self.store, &self.s3, &self.media_bucket, now).await;
        let boards = leaderboards::refresh(&self.store, now, i64::from(self.boards_lag_s) * SECOND_MS).await;
        let line = RunLine {
            level: "INFO",
            message: "run",
            function: "housekeeping",
            request_id: request_id.to_owned(),
            expired_holds: expired_holds?,
            boards: boards?,
            pending_deltas: pending_deltas?,
            standings: standings?,
            expired_uploads: expired_uploads?,
        };
        emit(&line, now);
        Ok(line)
    }
}
