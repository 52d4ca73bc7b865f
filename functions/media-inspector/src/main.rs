//! The media inspector: configuration, clients, and off it goes.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use media_inspector::files::Files;
use media_inspector::{Config, Inspector, handle};
use runtime::clients;
use runtime::clock::Clock;
use runtime::config::Env;
use runtime::dead_letters::DeadLetterQueue;
use runtime::telemetry;
use store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let env = Env::process();
    let config = Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let inspector = Arc::new(Inspector {
        store: Store::new(clients::dynamodb(&sdk), config.table_name),
        files: Files::new(clients::s3(&sdk), config.media_bucket),
        dead: DeadLetterQueue::new(clients::sqs(&sdk), config.inspection_dlq_url),
        max_attempts: config.max_attempts,
        clock: Clock::system(),
    });
    run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let inspector = Arc::clone(&inspector);
        Box::pin(async move { Ok::<_, Error>(handle(&inspector, event.payload, &event.context.request_id).await) })
    }))
    .await
}
