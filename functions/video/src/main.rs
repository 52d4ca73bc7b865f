//! Uploads: configuration, clients, and off it goes.

use edge::app::run;
use runtime::clients;
use runtime::clock::Clock;
use runtime::config::Env;
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let env = Env::process();
    let config = video::Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let media = SignedBucket::new(&sdk, config.media_bucket.clone(), config.media_url.clone())?;
    run(video::build(config, clients::dynamodb(&sdk), media, Clock::system(), Ids::system())?).await
}
