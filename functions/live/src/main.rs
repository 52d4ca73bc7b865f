//! The live radar: from its environment to its messages and sockets.

use edge::budget::MemoryBudgets;
use function::Error;
use function::queue::run;
use live::{Live, handle};
use runtime::clients;
use runtime::clock::Clock;
use runtime::sockets::Gateway;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(
        |start| {
            let sockets = clients::sockets(&start.sdk, &start.env.required("CONNECTIONS_URL")?);
            Ok(Live {
                store: start.store()?,
                tokens: start.tokens()?,
                sockets: Gateway::new(sockets),
                failed: start.failed_messages("LIVE_QUEUE_URL", "LIVE_DLQ_URL")?,
                max_attempts: start.max_attempts()?,
                budgets: MemoryBudgets::default(),
                clock: Clock::system(),
            })
        },
        async |live, event, request_id: &str| handle(live, event, request_id).await,
    )
    .await
}
