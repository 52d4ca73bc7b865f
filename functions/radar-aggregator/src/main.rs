//! The radar aggregator: from its environment to its messages.

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
                dead: start.dead_letters("STATS_DLQ_URL")?,
                max_attempts: start.max_attempts()?,
                ids: Ids::system(),
                clock: Clock::system(),
            })
        },
        async |aggregator, event, request_id: &str| handle(aggregator, event, request_id).await,
    )
    .await
}
