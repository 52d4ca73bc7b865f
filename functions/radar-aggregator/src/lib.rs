//! From the queue to the event log, the customers' states and the counters: each accepted batch is
//! counted exactly once, also after repeated deliveries and crashes.

mod count;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::company::Company;
use domain::radar::aggregate::{Segment, segments};
use futures_util::stream::{StreamExt, iter};
use runtime::batch::{self, Outcome};
use runtime::clock::Clock;
use runtime::delivery::Delivery;
use runtime::failed_messages::FailedMessages;
use runtime::ids::Ids;
use runtime::messages::{self, ReadBatch};
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use store::Store;

/// Companies that are counted at the same time.
const COMPANIES_AT_ONCE: usize = 16;

/// The state of the handler.
#[derive(Debug)]
pub struct Aggregator<D> {
    /// The table.
    pub store: Store,
    /// What becomes of messages that were not processed.
    pub failed: D,
    /// Deliveries after which a message goes to the dead-letter queue.
    pub max_attempts: u32,
    /// How long after its beginning a call still tries again what others were in the way of.
    pub conflicts_end: Duration,
    /// Makes ids of feed pages.
    pub ids: Ids,
    /// Returns the time.
    pub clock: Clock,
}

/// The log line of a batch, which is also its metrics.
#[derive(Debug, Serialize)]
struct AggregationLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    messages: usize,
    events: usize,
    retried: usize,
}

impl EmfMetrics for AggregationLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] =
        &[("messages", "Count"), ("events", "Count"), ("retried", "Count")];
}

/// Counts a batch of messages and reports those that must be delivered again.
pub async fn handle<D: FailedMessages>(
    aggregator: &Aggregator<D>,
    event: SqsEvent,
    request_id: &str,
) -> SqsBatchResponse {
    let (messages, mut events) = (event.records.len(), 0);
    let response =
        batch::handle(event, aggregator.max_attempts, &aggregator.failed, async |deliveries: &[Delivery]| {
            let read = messages::read(deliveries);
            events = read.events;
            count_all(aggregator, read).await
        })
        .await;
    let retried = response.batch_item_failures.len();
    let line = AggregationLine {
        level: "INFO",
        message: "batch",
        function: "radar-aggregator",
        request_id,
        messages,
        events,
        retried,
    };
    emit(&line, aggregator.clock.now());
    response
}

/// The outcome of each delivery, in order: the worst outcome of its segments.
async fn count_all<D>(aggregator: &Aggregator<D>, read: ReadBatch) -> Vec<Outcome> {
    let mut outcomes = read.outcomes;
    let mut by_company: BTreeMap<Company, Vec<(usize, Segment)>> = BTreeMap::new();
    for (delivery, batch) in read.batches {
        let company = Company::granted(batch.company);
        let segments = segments(batch).into_iter().map(|segment| (delivery, segment));
        by_company.entry(company).or_default().extend(segments);
    }
    let begun = aggregator.store.retry().elapsed();
    // Boxed: a company that others write for keeps nobody else waiting.
    let counting =
        by_company.into_iter().map(|(company, segments)| Box::pin(count::count(aggregator, company, segments, begun)));
    let mut counting = iter(counting).buffer_unordered(COMPANIES_AT_ONCE);
    while let Some(failed) = counting.next().await {
        for (delivery, failed) in failed {
            if let Some(outcome) = outcomes.get_mut(delivery)
                && !matches!(outcome, Outcome::Poison(_))
            {
                *outcome = failed;
            }
        }
    }
    outcomes
}
