//! The live radar: configuration, clients, and off it goes.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use live::{Config, Trigger, handle, live};
use runtime::clients;
use runtime::config::Env;
use runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let env = Env::process();
    let config = Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let sockets = clients::sockets(&sdk, &config.connections_url);
    let live = Arc::new(live(config, clients::dynamodb(&sdk), clients::sqs(&sdk), sockets)?);
    run(service_fn(move |event: LambdaEvent<Trigger>| {
        let live = Arc::clone(&live);
        Box::pin(async move { Ok::<_, Error>(handle(&live, event.payload, &event.context.request_id).await) })
    }))
    .await
}
