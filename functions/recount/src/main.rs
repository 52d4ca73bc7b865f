//! The recount: from its environment to its runs.
#![recursion_limit = "256"]

use function::Error;
use function::schedule::{Run, run};
use recount::Recounter;
use runtime::clock::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(
        |start| Ok(Recounter { store: start.store()?, clock: Clock::system() }),
        async |recounter, Run { payload, stop_at, request_id }| recounter.run(payload, stop_at, &request_id).await,
    )
    .await
}
