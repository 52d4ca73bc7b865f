//! The radar's reading side: configuration, clients, and off it goes.

use edge::app::run;
use runtime::clients;
use runtime::clock::Clock;
use runtime::config::Env;
use runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let env = Env::process();
    let config = radar::Config::load(&env)?;
    let sdk = clients::load(&env)?;
    run(radar::build(config, clients::dynamodb(&sdk), Clock::system())?).await
}
