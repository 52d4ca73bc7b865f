//! The schedule kind: runs that a schedule or an operator starts. The next run continues after a
//! failed one.

use domain::kernel::failure::Failure;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};

use crate::serve::serve;
use crate::{Error, Start};

/// The part of a call's time that is kept for its end.
const MARGIN_MS: i64 = 15 * SECOND_MS;

/// One run.
#[derive(Debug)]
pub struct Run<P> {
    /// The payload of the call.
    pub payload: P,
    /// The time by which it must have ended.
    pub stop_at: Timestamp,
    /// The request's id.
    pub request_id: String,
}

/// Runs `work` for each call, and answers with its result.
///
/// # Errors
/// Errors of `build` and of the runtime.
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
