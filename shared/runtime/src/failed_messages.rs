//! What becomes of messages that were not processed: they are shown again soon, or go to a dead-letter
//! queue with the reason as attributes.

use std::time::Duration;

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue};
use domain::kernel::text::is_sendable;

use crate::clients::LazyClient;
use crate::delivery::{Delivery, Reason};

/// Longest detail that is kept, in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// Most messages in one call of SQS.
const TOGETHER: usize = 10;

/// What becomes of messages that were not processed.
pub trait FailedMessages {
    /// Stores the message and its reason. `Err` if that failed; the cause has been logged.
    fn send_to_dlq(&self, delivery: &Delivery, reason: &Reason) -> impl Future<Output = Result<(), ()>>;

    /// Shows each message again after its pause. If that fails, it is logged, and the visibility time-out
    /// of the queue shows them.
    fn show_again(&self, deliveries: &[(&Delivery, Duration)]) -> impl Future<Output = ()>;
}

/// A queue and its dead-letter queue.
#[derive(Debug, Clone)]
pub struct FailedMessageQueues {
    sqs: LazyClient<aws_sdk_sqs::Client>,
    queue: String,
    dead: String,
}

impl FailedMessageQueues {
    /// The queues with these URLs.
    pub fn new(sqs: impl Into<LazyClient<aws_sdk_sqs::Client>>, queue: String, dead: String) -> Self {
        Self { sqs: sqs.into(), queue, dead }
    }
}

impl FailedMessages for FailedMessageQueues {
    async fn send_to_dlq(&self, delivery: &Delivery, reason: &Reason) -> Result<(), ()> {
        let (detail, attempts) = (attribute(&reason.detail), delivery.attempts.to_string());
        let attributes = [("reason", reason.code), ("detail", &detail), ("attempts", &attempts)];
        let attributes =
            attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value)?))).collect();
        let message = self.sqs.send_message().queue_url(&self.dead).message_body(&delivery.body);
        let sent = message.set_message_attributes(Some(attributes)).send().await;
        match sent {
            Ok(_) => {
                tracing::error!(
                    message_id = delivery.id,
                    reason = reason.code,
                    detail,
                    "message sent to the dead-letter queue"
                );
                Ok(())
            }
            Err(error) => {
                tracing::error!(
                    message_id = delivery.id,
                    error = %DisplayErrorContext(error),
                    "message could not be sent to the dead-letter queue"
                );
                Err(())
            }
        }
    }

    async fn show_again(&self, deliveries: &[(&Delivery, Duration)]) {
        for some in deliveries.chunks(TOGETHER) {
            let entries: Vec<_> = some.iter().enumerate().filter_map(entry).collect();
            let change = self.sqs.change_message_visibility_batch().queue_url(&self.queue).set_entries(Some(entries));
            let failed = match change.send().await {
                Ok(done) => done.failed().iter().map(|failed| failed.code().to_owned()).collect(),
                Err(error) => vec![DisplayErrorContext(error).to_string()],
            };
            if let Some(cause) = failed.first() {
                tracing::warn!(messages = failed.len(), cause, "messages come again after the whole time-out");
            }
        }
    }
}

fn entry(
    (number, (delivery, pause)): (usize, &(&Delivery, Duration)),
) -> Option<ChangeMessageVisibilityBatchRequestEntry> {
    let seconds = i32::try_from(pause.as_secs()).ok()?;
    let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
    entry.receipt_handle(&delivery.receipt).visibility_timeout(seconds).build().ok()
}

/// A detail as an attribute: of characters that a queue takes, and never empty. It may hold a part of a
/// message that could not be read.
fn attribute(detail: &str) -> String {
    let taken = |c: &char| !c.is_control() && is_sendable(*c);
    let detail: String = detail.chars().filter(taken).take(DETAIL_CHARS_MAX).collect();
    if detail.is_empty() { "-".to_owned() } else { detail }
}

fn text(value: &str) -> Option<MessageAttributeValue> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_takes_every_detail() {
        let every: String = ('\0'..=char::MAX).collect();
        for part in every.chars().collect::<Vec<_>>().chunks(100) {
            let detail = attribute(&part.iter().collect::<String>());
            assert!(!detail.is_empty() && detail.chars().all(is_sendable), "{part:?}");
        }
        assert_eq!(
            (attribute("\u{FFFF}"), attribute("unknown variant `\u{FFFE}x`")),
            ("-".to_owned(), "unknown variant `x`".to_owned())
        );
    }
}
