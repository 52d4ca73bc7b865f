//! Companies and logins: configuration, secret, clients, and off it goes.

use edge::app::run;
use organization::secrets::OwnSecret;
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
    let secrets = clients::secrets(&sdk);
    let own = OwnSecret::load(&secrets, &config.organization_secret).await?;
    run(organization::build(config, own, clients::dynamodb(&sdk), secrets, Clock::system(), Ids::system())?).await
}
