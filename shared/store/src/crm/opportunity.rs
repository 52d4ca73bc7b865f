//! What members record of a customer: stored with each of the customer's identities.

use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::command::{CustomerCommand, CustomerUpdate};
use domain::crm::identities::Customer;
use domain::crm::record::KnownCustomer;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;

use crate::close_rate::shortlist_refresh::mark_shortlist_refresh;
use crate::company::audit::add_entry;
use crate::company::department::take;
use crate::crm::customer::{check_customer, put_customer};
use crate::radar::counter::add_counts;
use crate::table::batch_get::RecordRead;
use crate::table::idempotency::replayed;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// A change that a member makes to a customer of a card.
#[derive(Debug, Clone, Copy)]
pub struct OpportunityChange<'a> {
    /// The card.
    pub card: CardId,
    /// The identity that the caller named.
    pub person: PersonId,
    /// The customer as they were read.
    pub read: &'a KnownCustomer,
    /// What the change writes.
    pub update: &'a CustomerUpdate,
    /// Its audit entry, with its time.
    pub audit: &'a AuditEntry,
}

impl Store {
    /// A customer as of the last write, and the result of the same request, if it came before; the card
    /// they are read for must exist. One call, and one more if the person is in a group.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a card, [`Failure::KeyReused`] when the request's key
    /// stands for another request.
    pub async fn opportunity_of(
        &self,
        company: Company,
        card: CardId,
        person: PersonId,
        request: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<(KnownCustomer, Option<CustomerCommand>), Failure> {
        let mut wanted = vec![keys::card(company, card)];
        wanted.extend(request.map(|request| keys::idempotency(company, &request.key)));
        let (known, mut items) = self.known_customer_beside(company, person, RecordRead::ToChange, &wanted).await?;
        take(&mut items, &wanted[0]).ok_or(Failure::NotFound)?;
        let before = items.pop().zip(request).map(|(first, request)| replayed(first, request, now)).transpose()?;
        Ok((known, before.flatten()))
    }

    /// Stores the change; with a request once. Returns `command`, or the command of the first
    /// request.
    ///
    /// # Errors
    /// [`Failure::Busy`] when one of the identities has changed since it was read,
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn change_opportunity(
        &self,
        company: Company,
        change: OpportunityChange<'_>,
        command: CustomerCommand,
        request: Option<&Idempotency>,
    ) -> Result<CustomerCommand, Failure> {
        let write = |transaction: &mut Transaction| self.add_opportunity(transaction, company, change);
        match request {
            Some(request) => {
                let key = keys::idempotency(company, &request.key);
                self.create_once(company, &key, request, change.audit.at, command, write).await
            }
            None => {
                let mut transaction = Transaction::default();
                write(&mut transaction)?;
                self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
                Ok(command)
            }
        }
    }

    fn add_opportunity(
        &self,
        transaction: &mut Transaction,
        company: Company,
        OpportunityChange { card, person, read, update, audit }: OpportunityChange<'_>,
    ) -> Result<(), Failure> {
        let mut after = read.clone();
        for (identity, customer) in &update.customers {
            let customer = Customer { version: customer.version + 1, ..customer.clone() };
            after.identities.insert(*identity, customer);
        }
        self.add_list_update(transaction, company, &read.listed.update(&after, Day::of(audit.at)))?;
        for (identity, customer) in &update.customers {
            put_customer(transaction, &self.table, company, *identity, customer)?;
        }
        for (identity, version) in &update.unchanged {
            check_customer(transaction, &self.table, company, *identity, *version);
        }
        for (scope, period, counts) in update.deltas.changes() {
            add_counts(transaction, &self.table, company, scope, period, &counts);
        }
        mark_shortlist_refresh(transaction, &self.table, company, person, card, audit.at)?;
        add_entry(transaction, &self.table, company, audit)
    }
}
