//! The read side of the radar: from its environment to its routes.

use function::Error;
use function::http::run;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(|start| Ok(radar::build(start.common()?))).await
}
