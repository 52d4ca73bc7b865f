//! The rules of a company for its customers: one item.

use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::customer_rules::CustomerRules;
use domain::kernel::failure::Failure;

use crate::company::audit::add_entry;
use crate::keys::DueList;
use crate::table::item::Item;
use crate::table::kinds::CUSTOMER_RULES;
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

impl Store {
    /// The rules, as of the last write; those that every company begins with when nobody has set any.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when they cannot be read.
    pub async fn customer_rules(&self, company: Company) -> Result<CustomerRules, Failure> {
        Ok(self.get_latest(company, &keys::customer_rules(company), CUSTOMER_RULES).await?.unwrap_or_default())
    }

    /// Replaces the rules by those of the next version.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when they have changed since they were read.
    pub async fn set_customer_rules(
        &self,
        company: Company,
        after: &CustomerRules,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        let key = keys::customer_rules(company);
        let mut item = CUSTOMER_RULES.encode(&key, after)?;
        if after.recycles() {
            DueList::Recycling.put(&mut item, company, &key, audit.at);
        }
        let (condition, values) = at_version(after.version.saturating_sub(1));
        transaction.put(&self.table, item, condition, values, Failure::VersionConflict);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// The rules of their item.
pub(crate) fn rules_of(item: Option<Item>) -> Result<CustomerRules, Failure> {
    item.map(|item| CUSTOMER_RULES.decode(item)).transpose().map(Option::unwrap_or_default)
}
