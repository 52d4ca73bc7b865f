//! The radar aggregator: configuration, clients, and off it goes.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use radar_aggregator::{Config, aggregator, handle};
use runtime::clients;
use runtime::config::Env;
use runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let env = Env::process();
    let config = Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let aggregator = Arc::new(aggregator(config, clients::dynamodb(&sdk), clients::sqs(&sdk)));
    run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let aggregator = Arc::clone(&aggregator);
        Box::pin(async move { Ok::<_, Error>(handle(&aggregator, event.payload, &event.context.request_id).await) })
    }))
    .await
}
