//! Queue batches: each message succeeds, is retried, or goes to the dead-letter queue.

use std::collections::HashSet;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};

use crate::delivery::{Delivery, Reason};
use crate::failed_messages::FailedMessages;

/// How often a message that has met another writer comes again soon. After that it rests for the whole
/// visibility time-out: who writes so long must not send it to the dead letters.
const SHORT_RESTS: u32 = 2;

/// The outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Processed; it will not be delivered again.
    Done,
    /// It may succeed later.
    Retry(Reason),
    /// It will never succeed.
    Poison(Reason),
}

/// Runs `process` on a batch and reports the messages that must be delivered again.
///
/// `process` returns one outcome per delivery, in order. A poisonous message, and one whose
/// `max_attempts`-th delivery would be retried, goes to the dead-letter queue with its reason; it
/// is deleted from the queue only after that is written. What others were in the way of comes again
/// after [`short_rest`], twice; the rest after the whole visibility time-out.
pub async fn handle<F>(event: SqsEvent, max_attempts: u32, queues: &impl FailedMessages, process: F) -> SqsBatchResponse
where
    F: AsyncFnOnce(&[Delivery]) -> Vec<Outcome>,
{
    let deliveries: Vec<_> = event.records.into_iter().map(delivery).collect();
    let mut outcomes = process(&deliveries).await.into_iter();
    let (mut failed, mut busy) = (HashSet::new(), Vec::new());
    for delivery in &deliveries {
        let missing = || Outcome::Retry(Reason::new("no_outcome", "the message was not looked at"));
        let send_to_dlq = match outcomes.next().unwrap_or_else(missing) {
            Outcome::Done => continue,
            Outcome::Retry(reason) if delivery.attempts < max_attempts => Err(reason),
            Outcome::Retry(reason) | Outcome::Poison(reason) => {
                queues.send_to_dlq(delivery, &reason).await.map_err(|()| reason)
            }
        };
        if let Err(reason) = send_to_dlq {
            tracing::warn!(
                message_id = delivery.id,
                attempts = delivery.attempts,
                reason = reason.code,
                "message will come again"
            );
            if reason.code == Reason::BUSY {
                busy.extend(short_rest(delivery.attempts).map(|rest| (delivery, rest)));
            }
            failed.insert(delivery.id.clone());
        }
    }
    if !busy.is_empty() {
        queues.show_again(&busy).await;
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.into_iter().map(failure).collect();
    response
}

/// How long a message rests that has met another writer, if not for the whole visibility time-out: others
/// count for a second at a time.
fn short_rest(attempts: u32) -> Option<Duration> {
    let doublings = attempts.saturating_sub(1);
    (doublings < SHORT_RESTS).then(|| Duration::from_secs(1 << doublings))
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

fn delivery(message: aws_lambda_events::sqs::SqsMessage) -> Delivery {
    let attempts = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
    Delivery {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attempts,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct FakeFailedMessages {
        broken: bool,
        put: Mutex<Vec<(String, &'static str)>>,
        again: Mutex<Vec<(String, u64)>>,
    }

    impl FailedMessages for FakeFailedMessages {
        async fn send_to_dlq(&self, delivery: &Delivery, reason: &Reason) -> Result<(), ()> {
            if self.broken {
                return Err(());
            }
            self.put.lock().unwrap().push((delivery.id.clone(), reason.code));
            Ok(())
        }

        async fn show_again(&self, deliveries: &[(&Delivery, Duration)]) {
            let known = deliveries.iter().map(|(delivery, pause)| (delivery.receipt.clone(), pause.as_secs()));
            self.again.lock().unwrap().extend(known);
        }
    }

    fn event(attempts: &[u32]) -> SqsEvent {
        let records: Vec<_> = attempts
            .iter()
            .enumerate()
            .map(|(n, attempts)| {
                serde_json::json!({
                    "messageId": format!("m{n}"),
                    "receiptHandle": format!("r{n}"),
                    "body": "{}",
                    "attributes": {"ApproximateReceiveCount": attempts.to_string()},
                })
            })
            .collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
    }

    fn reason(code: &'static str) -> Reason {
        Reason::new(code, "")
    }

    async fn run(shelf: &FakeFailedMessages, attempts: &[u32], outcomes: Vec<Outcome>) -> Vec<String> {
        let response = handle(event(attempts), 5, shelf, async |_: &[Delivery]| outcomes).await;
        let mut failed: Vec<_> =
            response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        failed.sort();
        failed
    }

    #[tokio::test]
    async fn each_message_has_its_own_fate() {
        let shelf = FakeFailedMessages::default();
        let outcomes = vec![Outcome::Done, Outcome::Retry(reason("busy")), Outcome::Poison(reason("garbage"))];
        assert_eq!(run(&shelf, &[1, 4, 1], outcomes).await, ["m1"]);
        assert_eq!(*shelf.put.lock().unwrap(), [("m2".to_owned(), "garbage")]);
    }

    #[tokio::test]
    async fn the_last_attempt_goes_to_the_dead_letters_with_its_reason() {
        let shelf = FakeFailedMessages::default();
        assert!(run(&shelf, &[5], vec![Outcome::Retry(reason("busy"))]).await.is_empty());
        assert_eq!(*shelf.put.lock().unwrap(), [("m0".to_owned(), "busy")]);
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_stored_in_the_dead_letters_stays_in_the_queue() {
        let shelf = FakeFailedMessages { broken: true, ..FakeFailedMessages::default() };
        assert_eq!(run(&shelf, &[9], vec![Outcome::Poison(reason("garbage"))]).await, ["m0"]);
    }

    #[tokio::test]
    async fn what_others_were_in_the_way_of_comes_again_soon_twice_and_then_like_the_rest() {
        let shelf = FakeFailedMessages::default();
        let outcomes = ["busy", "busy", "unavailable", "busy", "busy"].map(|code| Outcome::Retry(reason(code)));
        assert_eq!(run(&shelf, &[1, 4, 1, 2, 5], outcomes.to_vec()).await, ["m0", "m1", "m2", "m3"]);
        let again = [("r0", 1), ("r3", 2)].map(|(receipt, seconds)| (receipt.to_owned(), seconds));
        assert_eq!(*shelf.again.lock().unwrap(), again);
        assert_eq!(*shelf.put.lock().unwrap(), [("m4".to_owned(), "busy")]);
        assert_eq!((short_rest(3), short_rest(u32::MAX)), (None, None));
    }

    #[tokio::test]
    async fn a_message_without_outcome_comes_again() {
        assert_eq!(run(&FakeFailedMessages::default(), &[1, 1], vec![Outcome::Done]).await, ["m1"]);
    }
}
