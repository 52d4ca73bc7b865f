//! The queue kind: called with messages, or by the gateway of sockets. The answer lists the
//! messages that failed.

use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};

use crate::serve::serve;
use crate::{Error, Start};

/// Answers each event with the result of `handle` for it and the request's id.
///
/// # Errors
/// Errors of `build` and of the runtime.
pub async fn run<F, E, A>(
    build: impl FnOnce(&Start) -> Result<F, Error>,
    handle: impl AsyncFn(&F, E, &str) -> A,
) -> Result<(), Error>
where
    E: for<'de> Deserialize<'de>,
    A: Serialize,
{
    serve(build, async |function: &F, LambdaEvent { payload, context }: LambdaEvent<E>| {
        Ok(handle(function, payload, &context.request_id).await)
    })
    .await
}
