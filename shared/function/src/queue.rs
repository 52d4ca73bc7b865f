//! The queue kind: called with messages, or by the gateway of sockets. What fails is told in
//! the answer, message by message.

use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};

use crate::serve::serve;
use crate::{Error, Start};

/// Answers each event with what `handle` gives for it and the request's id.
///
/// # Errors
/// Those of `build`, and of the runtime.
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
