//! From quarantine to publication: inspects every file that was sent with a ticket, removes
//! metadata about its maker or the place, and publishes or rejects it. A file that is delivered
//! twice is inspected at most once more; the first result stands.

mod aac;
mod bytes;
mod clean;
pub mod file;
mod inspect;
mod jpeg;
mod message;
mod mp3;
mod mp4;
mod png;
mod webp;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::UploadId;
use domain::media::upload::{UploadState, media_key, quarantine_key};
use runtime::batch::{self, Outcome};
use runtime::clock::Clock;
use runtime::delivery::{Delivery, Reason};
use runtime::failed_messages::FailedMessages;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use store::Store;

use crate::file::Files;
use crate::inspect::inspect;

/// The state of the handler.
#[derive(Debug)]
pub struct Inspector<D> {
    /// The table.
    pub store: Store,
    /// The bucket.
    pub files: Files,
    /// What becomes of messages that were not processed.
    pub failed: D,
    /// Deliveries after which a message goes to the dead-letter queue.
    pub max_attempts: u32,
    /// Returns the time.
    pub clock: Clock,
}

/// The log line of a batch, which is also its metrics.
#[derive(Debug, Default, Serialize)]
struct InspectionLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    published: usize,
    refused: usize,
    retried: usize,
}

impl EmfMetrics for InspectionLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] =
        &[("published", "Count"), ("refused", "Count"), ("retried", "Count")];
}

/// Inspects the files of a batch of messages and reports those that must be delivered again.
pub async fn handle<D: FailedMessages>(
    inspector: &Inspector<D>,
    event: SqsEvent,
    request_id: &str,
) -> SqsBatchResponse {
    let mut line =
        InspectionLine { level: "INFO", message: "batch", function: "media-inspector", ..InspectionLine::default() };
    let response =
        batch::handle(event, inspector.max_attempts, &inspector.failed, async |deliveries: &[Delivery]| {
            let mut outcomes = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                outcomes.push(inspector.message(&delivery.body, &mut line).await);
            }
            outcomes
        })
        .await;
    line.request_id = request_id;
    line.retried = response.batch_item_failures.len();
    emit(&line, inspector.clock.now());
    response
}

impl<D> Inspector<D> {
    /// Processes one message: its files one after another.
    async fn message(&self, body: &str, line: &mut InspectionLine<'_>) -> Outcome {
        let files = match message::read(body) {
            Ok(files) => files,
            Err(reason) => return Outcome::Poison(reason),
        };
        for (company, upload) in files {
            match self.file(company, upload).await {
                Ok(Some(UploadState::Ready { .. })) => line.published += 1,
                Ok(Some(UploadState::Refused { .. })) => line.refused += 1,
                Ok(Some(UploadState::Waiting) | None) => {}
                Err(Failure::Corrupt(cause)) => return Outcome::Poison(Reason::new("unreadable_upload", cause)),
                Err(failure) => return Outcome::Retry(Reason::from(&failure)),
            }
        }
        Outcome::Done
    }

    /// Inspects one file; returns the result, or `None` if there was no need to inspect it.
    async fn file(&self, company: Company, id: UploadId) -> Result<Option<UploadState>, Failure> {
        let key = quarantine_key(company, id);
        let upload = match self.store.upload(company, id).await {
            Ok(upload) if upload.state == UploadState::Waiting => upload,
            // Inspected before, or deleted: a late file is not inspected.
            Ok(_) | Err(Failure::NotFound) => return self.files.delete(&key).await.map(|()| None),
            Err(failure) => return Err(failure),
        };
        let Some(file) = self.files.read(&key).await? else { return Ok(None) };
        let state = match inspect(upload.purpose, upload.format, file) {
            Ok(clean) => {
                self.files.publish(&media_key(company, id), upload.format, clean.bytes).await?;
                UploadState::Ready { duration_ms: clean.duration_ms }
            }
            Err(reason) => UploadState::Refused { reason },
        };
        self.store.set_upload_state(company, id, state).await?;
        self.files.delete(&key).await?;
        Ok(Some(state))
    }
}
