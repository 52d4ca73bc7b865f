//! Event ingest: from its environment to its routes.

use edge::address::behind_edge;
use function::Error;
use function::http::run;
use runtime::clients;
use tracking::queue::Queues;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| {
        let (stats, live) = (start.env.required("STATS_QUEUE_URL")?, start.env.required("LIVE_QUEUE_URL")?);
        let queues = Queues::new(clients::sqs(&start.sdk), stats, live);
        Ok(behind_edge(tracking::build(start.common()?, queues), start.edge_secret()))
    })
    .await
}
