//! The card function: from its environment to its routes.

use function::Error;
use function::http::run;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| Ok(card::build(start.common()?, start.media()?))).await
}
