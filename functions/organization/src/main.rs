//! Companies and logins: configuration, clients, and off it goes.

use edge::app::run;
use runtime::clients;
use runtime::clock::Clock;
use runtime::config::Env;
use runtime::ids::Ids;
use runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let env = Env::process();
    let config = organization::Config::load(&env)?;
    let sdk = clients::load(&env)?;
    let (dynamodb, secrets) = (clients::dynamodb(&sdk), clients::secrets(&sdk));
    run(organization::build(config, dynamodb, secrets, Clock::system(), Ids::system())?).await
}
