//! Granted phone numbers: they show which identities are the same person.

use domain::company::Company;
use domain::failure::Failure;
use domain::id::PersonId;
use domain::merge::MergeReason;
use domain::mobile::Mobile;
use runtime::retry::Policy;

use crate::Flow;
use crate::crm::merge::{MergeOutcome, merge};

/// Links a phone number to a person, in place of the one they granted before. When another
/// person had linked it, the two are merged; the outcome of that is returned. Idempotent.
///
/// # Errors
/// [`Failure::Busy`] when others claimed the number until the deadline.
pub async fn grant(
    flow: &Flow<'_>,
    company: Company,
    person: PersonId,
    phone: &Mobile,
) -> Result<Option<MergeOutcome>, Failure> {
    let attempt = || try_to_grant(flow, company, person, phone);
    flow.store.retry().run(Policy::CONTENTION, attempt).await
}

/// Merges first, then links: when it ends in between, the next grant finds the same state.
async fn try_to_grant(
    flow: &Flow<'_>,
    company: Company,
    person: PersonId,
    phone: &Mobile,
) -> Result<Option<MergeOutcome>, Failure> {
    let claim = flow.store.phone_claim(company, person, phone).await?;
    let outcome = match claim.holder.filter(|holder| *holder != person) {
        Some(holder) => Some(merge(flow, company, (person, holder), MergeReason::Phone).await?),
        None => None,
    };
    flow.store.hold_phone(company, &claim, flow.now).await?;
    Ok(outcome)
}
