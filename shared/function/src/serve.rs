//! The loop of the runtime, for functions that are called with events.

use std::sync::Arc;

use lambda_runtime::{LambdaEvent, run, service_fn};
use serde::{Deserialize, Serialize};

use crate::{Error, Start};

/// Answers each event with the result of `handle`, until the environment is shut down.
pub(crate) async fn serve<F, E, A>(
    build: impl FnOnce(&Start) -> Result<F, Error>,
    handle: impl AsyncFn(&F, LambdaEvent<E>) -> Result<A, Error>,
) -> Result<(), Error>
where
    E: for<'de> Deserialize<'de>,
    A: Serialize,
{
    let (function, handle) = (Arc::new(build(&Start::process()?)?), Arc::new(handle));
    run(service_fn(move |event| {
        let (function, handle) = (Arc::clone(&function), Arc::clone(&handle));
        Box::pin(async move { handle(&function, event).await })
    }))
    .await
}
