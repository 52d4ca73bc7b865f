//! The queues behind ingest: one message per batch to the radar aggregator, and the
//! same one to the live radar.

use aws_sdk_sqs::error::DisplayErrorContext;
use domain::kernel::failure::Failure;
use domain::tracking::batch::AcceptedBatch;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;

/// The queues.
#[derive(Debug, Clone)]
pub struct Queues {
    sqs: aws_sdk_sqs::Client,
    stats_url: String,
    live_url: String,
}

/// The log line of a batch that the live radar does not show.
#[derive(Debug, Serialize)]
struct UnsentLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    cause: &'a str,
    live_unsent: u32,
}

impl EmfMetrics for UnsentLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("live_unsent", "Count")];
}

impl Queues {
    /// The aggregator's queue and the live radar's, by their URLs.
    pub fn new(sqs: aws_sdk_sqs::Client, stats_url: String, live_url: String) -> Self {
        Self { sqs, stats_url, live_url }
    }

    /// Sends a batch to both queues in parallel. The batch is accepted once it is in the
    /// aggregator's queue. If the live radar's queue has not taken it, after the client's own
    /// retries, that is logged and raises an alarm: the feed by HTTP still shows the events.
    pub(crate) async fn send(&self, batch: &AcceptedBatch) -> Result<(), Failure> {
        let body = serde_json::to_string(batch).map_err(|error| Failure::Corrupt(error.to_string()))?;
        let (stats, live) = tokio::join!(self.put(&self.stats_url, &body), self.put(&self.live_url, &body));
        stats.map_err(Failure::Unavailable)?;
        if let Err(cause) = live {
            let line =
                UnsentLine { level: "WARN", message: "unsent", function: "tracking", cause: &cause, live_unsent: 1 };
            emit(&line, batch.received_at);
        }
        Ok(())
    }

    async fn put(&self, url: &str, body: &str) -> Result<(), String> {
        let sent = self.sqs.send_message().queue_url(url).message_body(body).send().await;
        sent.map(drop).map_err(|error| DisplayErrorContext(error).to_string())
    }
}
