//! Housekeeping: configuration, clients, and off it goes.

use std::sync::Arc;

use housekeeping::{Config, Housekeeping};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::clients;
use runtime::clock::Clock;
use runtime::config::Env;
use runtime::telemetry;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let env = Env::process();
    let config = Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let housekeeping = Arc::new(Housekeeping::new(config, clients::dynamodb(&sdk), clients::s3(&sdk), Clock::system()));
    run(service_fn(move |event: LambdaEvent<Value>| {
        let housekeeping = Arc::clone(&housekeeping);
        Box::pin(async move { Ok::<_, Error>(housekeeping.run(&event.context.request_id).await?) })
    }))
    .await
}
