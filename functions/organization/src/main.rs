//! The organization function: from its environment to its routes.

use edge::address::behind_edge;
use function::Error;
use function::http::run;
use organization::Config;
use runtime::clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| {
        let config = Config::load(&start.env)?;
        let router = organization::build(start.common()?, config, clients::secrets(&start.sdk));
        Ok(behind_edge(router, start.edge_secret()))
    })
    .await
}
