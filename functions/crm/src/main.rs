//! The CRM function: from its environment to its routes.

use edge::page::with_cursors;
use function::Error;
use function::http::run;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| Ok(with_cursors(crm::build(start.common()?, start.media()?), start.cursors()?))).await
}
