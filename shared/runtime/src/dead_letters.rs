//! Dead-letter queues: messages that cannot be processed, with the reason as attributes.

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::MessageAttributeValue;
use domain::kernel::text::is_sendable;

use crate::clients::LazyClient;
use crate::delivery::{Delivery, Reason};

/// Longest detail that is kept, in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// Where messages go that cannot be processed.
pub trait DeadLetters {
    /// Stores the message and its reason. `Err` if that failed; the cause has been logged.
    fn send_to_dlq(&self, delivery: &Delivery, reason: &Reason) -> impl Future<Output = Result<(), ()>>;
}

/// An SQS dead-letter queue.
#[derive(Debug, Clone)]
pub struct DeadLetterQueue {
    sqs: LazyClient<aws_sdk_sqs::Client>,
    url: String,
}

impl DeadLetterQueue {
    /// The queue with this URL.
    pub fn new(sqs: impl Into<LazyClient<aws_sdk_sqs::Client>>, url: String) -> Self {
        Self { sqs: sqs.into(), url }
    }
}

impl DeadLetters for DeadLetterQueue {
    async fn send_to_dlq(&self, delivery: &Delivery, reason: &Reason) -> Result<(), ()> {
        let (detail, attempts) = (attribute(&reason.detail), delivery.attempts.to_string());
        let attributes = [("reason", reason.code), ("detail", &detail), ("attempts", &attempts)];
        let attributes =
            attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value)?))).collect();
        let message = self.sqs.send_message().queue_url(&self.url).message_body(&delivery.body);
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
