//! The recount: configuration, clients, and off it goes.

use std::sync::Arc;

use domain::timestamp::{SECOND_MS, Timestamp};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use recount::{Config, Recounter};
use runtime::clients;
use runtime::clock::Clock;
use runtime::config::Env;
use runtime::telemetry;
use serde_json::Value;

/// What is left of a call's time for its end.
const MARGIN_MS: i64 = 15 * SECOND_MS;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let env = Env::process();
    let config = Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let recounter = Arc::new(Recounter::new(config, clients::dynamodb(&sdk), Clock::system()));
    run(service_fn(move |event: LambdaEvent<Value>| {
        let recounter = Arc::clone(&recounter);
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        let stop_at = Timestamp::from_millis(deadline - MARGIN_MS);
        Box::pin(async move { Ok::<_, Error>(recounter.run(event.payload, stop_at, &event.context.request_id).await?) })
    }))
    .await
}
