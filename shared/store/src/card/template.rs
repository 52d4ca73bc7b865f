//! The company's card template.

use domain::card::template::CardTemplate;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::kernel::failure::Failure;

use crate::company::audit::add_entry;
use crate::table::kinds::TEMPLATE;
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

impl Store {
    /// The template; one that was never set locks nothing.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn card_template(&self, company: Company) -> Result<CardTemplate, Failure> {
        Ok(self.get_latest(company, &keys::card_template(company), TEMPLATE).await?.unwrap_or_default())
    }

    /// Changes what is locked and what is shown by default.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the template is not at the version before `after`
    /// any more.
    pub async fn edit_card_template(
        &self,
        company: Company,
        after: &CardTemplate,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let (condition, values) = at_version(after.version.saturating_sub(1));
        let item = TEMPLATE.encode(&keys::card_template(company), after)?;
        let mut transaction = Transaction::default();
        transaction.put(&self.table, item, condition, values, Failure::VersionConflict);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
