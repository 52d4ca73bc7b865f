//! Customers: configuration, clients, and off it goes.

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
    let config = crm::Config::load(&env)?;
    let sdk = clients::load(&env)?;
    run(crm::build(config, clients::dynamodb(&sdk), Clock::system(), Ids::system())?).await
}
