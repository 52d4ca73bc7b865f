//! The organization function: from its environment to its routes.

use edge::address::behind_edge;
use edge::page::with_cursors;
use function::Error;
use function::http::run;
use organization::{Config, LiveQueue};
use runtime::clients::{self, LazyClient};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| {
        let config = Config::load(&start.env)?;
        let secrets = LazyClient::new(&start.sdk, clients::secrets);
        let live = LiveQueue::new(LazyClient::new(&start.sdk, clients::sqs), start.env.required("LIVE_QUEUE_URL")?);
        let router = organization::build(start.common()?, config, secrets, live);
        Ok(behind_edge(with_cursors(router, start.cursors()?), start.edge_secret()))
    })
    .await
}
