//! Customers who go back to the pool by the company's rules, and the warnings before. The company's rules
//! wait in the due list while one of them is switched on.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::customer_rules::CustomerRules;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, PersonId, RecycleRuleId};
use domain::kernel::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::crm::customer::check_customer;
use crate::crm::ownership::OwnershipChange;
use crate::keys::DueList;
use crate::table::due::WAITS;
use crate::table::item::{expire, number};
use crate::table::kinds::RECYCLE_WARNING;
use crate::table::read::{FILTER_READ_MAX, Order};
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// How long a run over the customers of a company has it for itself.
const LEASE_MS: i64 = 600_000;
/// Warnings that are written together.
const WARNINGS_TOGETHER: usize = 90;

/// A customer whom a member is about to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecycleWarning {
    /// The first identity of the customer.
    pub person: PersonId,
    /// The day on which they go back.
    pub on: Day,
    /// The rule.
    pub rule: RecycleRuleId,
    /// The day on which this was found.
    pub made_on: Day,
}

impl Store {
    /// Applies the rules of the companies whose turn has come; `recycle` ends with
    /// [`Store::end_recycling`].
    pub async fn sweep_recycling<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        recycle: impl Fn(Company) -> F,
    ) -> Sweep {
        self.sweep_companies(DueList::Recycling, limits, LEASE_MS, recycle).await
    }

    /// Takes a customer from their owner by a rule.
    ///
    /// # Errors
    /// [`Failure::Busy`] when something of the customer has changed since it was read: they may have been
    /// followed up.
    pub async fn recycle_customer(
        &self,
        company: Company,
        change: OwnershipChange<'_>,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        for (person, customer) in &change.read.identities {
            check_customer(&mut transaction, &self.table, company, *person, customer.version);
        }
        self.add_ownership(&mut transaction, company, change, None)?;
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit_once(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Notes which customers members are about to lose. Idempotent.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn warn_of_recycling(
        &self,
        company: Company,
        warnings: &[(MemberId, RecycleWarning)],
    ) -> Result<(), Failure> {
        for some in warnings.chunks(WARNINGS_TOGETHER) {
            let mut transaction = Transaction::default();
            for (member, warning) in some {
                let key = keys::recycle_warning(company, *member, warning.on, warning.person);
                let mut item = RECYCLE_WARNING.encode(&key, warning)?;
                expire(&mut item, warning.on.plus(1).start());
                transaction.replace(&self.table, item);
            }
            self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        }
        Ok(())
    }

    /// The warnings of a member, the customer who goes first at the head: as many as one call looks through.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn recycle_warnings(&self, company: Company, member: MemberId) -> Result<Vec<RecycleWarning>, Failure> {
        let partition = keys::recycle_warnings(company, member);
        let page = self.query(&partition, None, FILTER_READ_MAX, Order::OldestFirst).await?;
        page.items.into_iter().map(|item| RECYCLE_WARNING.decode(item)).collect()
    }

    /// Makes the rules due again, if they are still those that were applied.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn end_recycling(&self, company: Company, rules: &CustomerRules, due: Timestamp) -> Result<(), Failure> {
        let key = keys::customer_rules(company);
        let update = Update::builder()
            .update_expression(format!("SET {WAITS}"))
            .condition_expression("version = :read")
            .expression_attribute_values(":read", number(rules.version));
        let update = DueList::Recycling.set(update, company, &key, due);
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &key, update, Failure::Busy);
        match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
            // Other rules are due at once.
            Err(Failure::Busy) => Ok(()),
            done => done,
        }
    }
}
