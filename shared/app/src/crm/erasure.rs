//! Erasing what is kept of a person, when they wish it.

use domain::company::Company;
use domain::crm::erasure::Erasure;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;

use crate::Flow;

/// Forgets the WeChat account of the person at once, and leaves what else is kept of them, under all of
/// their identities, to housekeeping. Idempotent.
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
    let identities = flow.store.identities_of(company, person, None).await?;
    flow.store.begin_erasure(company, (openid, person), &Erasure { identities, at: flow.now }).await
}
