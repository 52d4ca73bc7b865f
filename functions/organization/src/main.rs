//! The organization function: from its environment to its routes.

use function::Error;
use function::http::run;
use organization::{Config, LiveQueue};
use runtime::clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| {
        let config = Config::load(&start.env)?;
        let live = LiveQueue::new(clients::sqs(&start.sdk), start.env.required("LIVE_QUEUE_URL")?);
        Ok(organization::build(start.common()?, config, clients::secrets(&start.sdk), live))
    })
    .await
}
