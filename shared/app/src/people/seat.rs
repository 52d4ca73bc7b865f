//! Taking seats.

use domain::company::Company;
use domain::failure::{Failure, Resource};
use store::QuotaName;

use crate::Flow;

/// Runs `attempt`; when no seat is left, frees the seats that expired holds have kept, and
/// runs it once more if that freed any.
///
/// # Errors
/// Those of the attempt.
pub(crate) async fn take_seat<T, A: Future<Output = Result<T, Failure>>>(
    flow: &Flow<'_>,
    company: Company,
    attempt: impl Fn() -> A,
) -> Result<T, Failure> {
    match attempt().await {
        Err(Failure::Exhausted(Resource::Seats))
            if flow.store.sweep_quota(company, QuotaName::Seats, flow.now).await? > 0 =>
        {
            attempt().await
        }
        done => done,
    }
}
