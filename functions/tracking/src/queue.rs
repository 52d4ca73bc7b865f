//! The queue to the radar aggregator: one message per batch.

use aws_sdk_sqs::error::DisplayErrorContext;
use domain::batch::AcceptedBatch;
use domain::failure::Failure;

/// The queue.
#[derive(Debug, Clone)]
pub(crate) struct StatsQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl StatsQueue {
    pub(crate) fn new(sqs: aws_sdk_sqs::Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Sends a batch. It is accepted once this returns.
    pub(crate) async fn send(&self, batch: &AcceptedBatch) -> Result<(), Failure> {
        let body = serde_json::to_string(batch).map_err(|error| Failure::Corrupt(error.to_string()))?;
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| Failure::Unavailable(DisplayErrorContext(error).to_string()))
    }
}
