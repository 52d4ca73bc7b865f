//! Housekeeping: from its environment to its runs.

use function::Error;
use function::schedule::{Run, run};
use housekeeping::Housekeeping;
use runtime::clients;
use runtime::clock::Clock;
use runtime::ids::Ids;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(
        |start| {
            Ok(Housekeeping {
                store: start.store()?,
                leaderboards_lag_s: start.env.required_number("LEADERBOARDS_LAG_SECONDS")?,
                s3: clients::s3(&start.sdk),
                media_bucket: start.env.required("MEDIA_BUCKET")?,
                clock: Clock::system(),
                ids: Ids::system(),
            })
        },
        async |housekeeping, Run { stop_at, request_id, .. }: Run<Value>| housekeeping.run(stop_at, &request_id).await,
    )
    .await
}
