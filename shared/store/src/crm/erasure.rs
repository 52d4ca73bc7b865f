//! Erasing what is kept of a person. It begins in one transaction; the rest waits in the due list for
//! housekeeping.

use domain::company::Company;
use domain::crm::erasure::Erasure;
use domain::crm::record::Records;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;

use crate::keys::{DueList, Key};
use crate::table::batch_get::RecordRead;
use crate::table::due::Due;
use crate::table::item::{Item, text};
use crate::table::kinds::ERASURE;
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Entries of a timeline that are deleted at once.
const ENTRIES_TOGETHER: usize = 99;

impl Store {
    /// Forgets which WeChat account the person has, and leaves the rest of the erasure in the due list.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the account stands for somebody else by now, or for a member.
    pub async fn begin_erasure(
        &self,
        company: Company,
        (openid, person): (&OpenId, PersonId),
        erasure: &Erasure,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        let own = Item::from([(":own".to_owned(), text(person.to_string()))]);
        let (account, condition) = (keys::person(company, openid), "id = :own AND attribute_not_exists(#member)");
        transaction.delete(&self.table, &account, condition, own, Failure::Busy);
        let key = keys::erasure(company, person);
        let mut item = ERASURE.encode(&key, erasure)?;
        DueList::Erasures.put(&mut item, company, &key, erasure.at);
        transaction.replace(&self.table, item);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Finishes an erasure that has begun. `delete_exports` deletes the files into which lists of the company were
    /// written. Idempotent.
    ///
    /// # Errors
    /// [`Failure::Busy`] when members write about the person at the same moment.
    pub async fn finish_erasure<F: Future<Output = Result<(), Failure>>>(
        &self,
        company: Company,
        (person, erasure): (PersonId, &Erasure),
        delete_exports: impl FnOnce(Company) -> F,
    ) -> Result<(), Failure> {
        for identity in &erasure.identities {
            self.erase_identity(company, *identity, erasure).await?;
            self.clear_timeline(company, *identity).await?;
        }
        // No list has them any more: what is written from now on needs not be deleted.
        delete_exports(company).await?;
        let mut transaction = Transaction::default();
        transaction.remove(&self.table, &keys::erasure(company, person));
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Finishes the erasures that have begun, of all companies, as [`Self::finish_erasure`] does.
    pub async fn sweep_erasures<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        delete_exports: impl Fn(Company) -> F,
    ) -> Sweep {
        let read = |due: Due| {
            let person = keys::erasure_of(&due.key).ok_or_else(|| ERASURE.corrupt("key"))?;
            Ok((due.company, person, ERASURE.decode::<Erasure>(due.item)?))
        };
        let delete_exports = &delete_exports;
        let finish = |(company, person, erasure): (Company, PersonId, Erasure)| async move {
            self.finish_erasure(company, (person, &erasure), delete_exports).await
        };
        self.sweep_each(DueList::Erasures, limits, read, finish).await
    }

    async fn erase_identity(&self, company: Company, identity: PersonId, erasure: &Erasure) -> Result<(), Failure> {
        let found = self.known_customer(company, identity, RecordRead::ToChange).await?;
        let record = found.record_of(identity);
        let erased = record.erased(erasure.at);
        let mut transaction = Transaction::default();
        if record != erased {
            let changed = Records::from([(identity, erased)]);
            self.add_plans(&mut transaction, company, &found, &changed)?;
            self.add_list_row(&mut transaction, company, &found, &changed, Day::of(erasure.at))?;
            self.add_holding_changes(&mut transaction, company, (&found, &changed), None);
        }
        let added_with = record.addition.and_then(|addition| addition.mobile);
        self.add_phone_erasure(&mut transaction, company, (identity, added_with)).await?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    async fn clear_timeline(&self, company: Company, identity: PersonId) -> Result<(), Failure> {
        let partition = keys::timeline(company, identity);
        loop {
            let page = self.page_latest(&partition, None).await?;
            for entries in page.items.chunks(ENTRIES_TOGETHER) {
                let mut transaction = Transaction::default();
                for key in entries.iter().filter_map(Key::of) {
                    transaction.remove(&self.table, &key);
                }
                self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
            }
            if page.items.is_empty() {
                return Ok(());
            }
        }
    }
}
