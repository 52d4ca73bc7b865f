//! Jobs of the CRM: from its environment to its messages and its schedule.

use crm_jobs::files::BucketFiles;
use crm_jobs::{JobWorker, handle};
use function::Error;
use function::queue::run;
use runtime::clients::{self, LazyClient};
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
                automation_lag_s: start.env.required_number("AUTOMATION_LAG_SECONDS")?,
                files: BucketFiles::new(LazyClient::new(&start.sdk, clients::s3), start.env.required("MEDIA_BUCKET")?),
            })
        },
        async |worker, call, request_id: &str| handle(worker, call, request_id).await,
    )
    .await
}
