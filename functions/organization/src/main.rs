//! The organization function: from its environment to its routes.

use edge::address::behind_edge;
use edge::page::with_cursors;
use function::Error;
use function::http::run;
use organization::Config;
use runtime::clients::{self, LazyClient};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| {
        let config = Config::load(&start.env)?;
        let secrets = LazyClient::new(&start.sdk, clients::secrets);
        let router = organization::build(start.common()?, config, secrets);
        Ok(behind_edge(with_cursors(router, start.cursors()?), start.edge_secret()))
    })
    .await
}
