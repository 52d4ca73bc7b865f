//! Erasing what is kept of a person, when they wish it.

use domain::company::Company;
use domain::crm::erasure::Erasure;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;
use store::RecordRead;

use crate::Flow;

/// Erases what is kept of the person with this WeChat account, under all of their identities. What cannot
/// be erased at once is erased by housekeeping. Idempotent.
///
/// # Errors
/// [`Failure::NotFound`] when the account is not that of the person, [`Failure::RoleRequired`] for a
/// member: the company keeps what belongs to their work.
pub async fn erase(flow: &Flow<'_>, company: Company, openid: &OpenId, person: PersonId) -> Result<(), Failure> {
    let account = flow.store.person_of(company, openid).await?;
    if account.id != person {
        return Err(Failure::NotFound);
    }
    if account.member.is_some() {
        return Err(Failure::RoleRequired);
    }
    let known = flow.store.known_customer(company, person, RecordRead::ToChange).await?;
    let mut identities: std::collections::BTreeSet<_> =
        known.identities.keys().chain(known.records.keys()).copied().collect();
    identities.insert(person);
    let erasure = Erasure { identities, at: flow.now };
    flow.store.begin_erasure(company, (openid, person), &erasure).await?;
    if let Err(cause) = flow.store.finish_erasure(company, person, &erasure).await {
        tracing::warn!(%cause, "an erasure is left to housekeeping");
    }
    Ok(())
}
