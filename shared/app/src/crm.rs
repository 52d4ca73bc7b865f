//! Customers and who they are.

pub mod addition;
pub mod automation;
pub mod automation_dry_run;
pub mod automation_run;
pub mod bulk_tags;
pub mod custom_field;
pub mod customer;
pub mod erasure;
pub mod expectation;
pub mod export;
pub mod follow_up;
pub mod follow_up_plan;
pub mod handover;
mod handover_card;
mod handover_customer;
mod handover_run;
pub mod import;
pub mod import_preview;
pub mod job;
pub mod job_files;
pub mod job_run;
pub mod likely_duplicate;
pub mod list;
pub mod merge;
pub mod merge_by_hand;
pub mod ownership;
pub mod profile;
pub mod record;
pub mod recycling;
pub mod tag;
pub mod timeline;

use domain::crm::command::CustomerError;
use runtime::retry::Policy;

use crate::Flow;

/// Reads and writes again while others change the customer.
pub(crate) async fn while_contended<T, F: Future<Output = Result<T, CustomerError>>>(
    flow: &Flow<'_>,
    action: impl Fn() -> F,
) -> Result<T, CustomerError> {
    let attempt = || async {
        match action().await {
            Err(CustomerError::Failed(failure)) => Err(failure),
            done => Ok(done),
        }
    };
    flow.store.retry().run(Policy::CONTENTION, attempt).await?
}
