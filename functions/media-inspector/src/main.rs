//! The media inspector: from its environment to its messages.

use function::Error;
use function::queue::run;
use media_inspector::file::Files;
use media_inspector::{Inspector, handle};
use runtime::clients;
use runtime::clock::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(
        |start| {
            Ok(Inspector {
                store: start.store()?,
                files: Files::new(clients::s3(&start.sdk), start.env.required("MEDIA_BUCKET")?),
                failed: start.failed_messages("INSPECTION_QUEUE_URL", "INSPECTION_DLQ_URL")?,
                max_attempts: start.max_attempts()?,
                clock: Clock::system(),
            })
        },
        async |inspector, event, request_id: &str| handle(inspector, event, request_id).await,
    )
    .await
}
