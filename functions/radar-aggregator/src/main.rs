//! The radar aggregator: from its environment to its messages.

use std::time::Duration;

use function::Error;
use function::queue::run;
use radar_aggregator::{Aggregator, handle};
use runtime::clock::Clock;
use runtime::ids::Ids;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(
        |start| {
            Ok(Aggregator {
                store: start.store()?,
                failed: start.failed_messages("STATS_QUEUE_URL", "STATS_DLQ_URL")?,
                max_attempts: start.max_attempts()?,
                conflicts_end: Duration::from_millis(u64::from(start.env.required_number("CONFLICTS_MILLISECONDS")?)),
                ids: Ids::system(),
                clock: Clock::system(),
            })
        },
        async |aggregator, event, request_id: &str| handle(aggregator, event, request_id).await,
    )
    .await
}
