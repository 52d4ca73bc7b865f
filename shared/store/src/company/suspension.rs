//! Whether companies are suspended. A check of the company beside each write would have all writes of
//! a company conflict: what was read is remembered for a minute instead.

use domain::company::{Company, CompanyProfile};
use domain::kernel::failure::Failure;

use crate::table::batch_get::ReadMode;
use crate::table::kinds::COMPANY;
use crate::{Store, keys};

impl Store {
    /// Whether a company is suspended, as it was at most a minute ago. One call in a minute.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn is_suspended(&self, company: Company) -> Result<bool, Failure> {
        let now = self.retry.elapsed();
        if let Some(known) = self.suspensions.known(company.id(), now) {
            return Ok(known);
        }
        // The call that every function may make.
        let found = self.read_items(&[keys::company(company)], ReadMode::Eventual).await?.pop();
        let profile: Option<CompanyProfile> = found.map(|item| COMPANY.decode(item)).transpose()?;
        let suspended = profile.is_some_and(|profile| profile.suspended);
        self.suspensions.remember(company.id(), now, suspended);
        Ok(suspended)
    }

    /// Refuses what a member of a suspended company writes.
    pub(crate) async fn require_not_suspended(&self, company: Company) -> Result<(), Failure> {
        if company.actor().is_some() && self.is_suspended(company).await? {
            return Err(Failure::CompanySuspended);
        }
        Ok(())
    }
}
