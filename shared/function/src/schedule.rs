//! The schedule kind: runs that time begins, or an operator. One that fails is begun again by
//! the next.

use domain::failure::Failure;
use domain::timestamp::{SECOND_MS, Timestamp};
use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};

use crate::serve::serve;
use crate::{Error, Start};

/// What is left of a call's time for its end.
const MARGIN_MS: i64 = 15 * SECOND_MS;

/// One run.
#[derive(Debug)]
pub struct Run<P> {
    /// What it is called with.
    pub payload: P,
    /// When it must have ended.
    pub stop_at: Timestamp,
    /// The request's id.
    pub request_id: String,
}

/// Does each run by `work`, and answers with what it gives.
///
/// # Errors
/// Those of `build`, and of the runtime.
pub async fn run<F, P, A>(
    build: impl FnOnce(&Start) -> Result<F, Error>,
    work: impl AsyncFn(&F, Run<P>) -> Result<A, Failure>,
) -> Result<(), Error>
where
    P: for<'de> Deserialize<'de>,
    A: Serialize,
{
    serve(build, async |function: &F, LambdaEvent { payload, context }: LambdaEvent<P>| {
        let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        let stop_at = Timestamp::from_millis(deadline - MARGIN_MS);
        Ok(work(function, Run { payload, stop_at, request_id: context.request_id }).await?)
    })
    .await
}
