//! Jobs of the CRM: from its environment to its messages and its schedule.

use crm_jobs::{JobWorker, handle};
use function::Error;
use function::queue::run;
use runtime::clock::Clock;
use runtime::ids::Ids;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(
        |start| {
            Ok(JobWorker {
                store: start.store()?,
                queue: start.job_queue()?,
                failed: start.failed_messages("JOB_QUEUE_URL", "JOB_DLQ_URL")?,
                max_attempts: start.max_attempts()?,
                clock: Clock::system(),
                ids: Ids::system(),
            })
        },
        async |worker, call, request_id: &str| handle(worker, call, request_id).await,
    )
    .await
}
