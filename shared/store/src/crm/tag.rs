//! The company's book of tags: one item.

use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::record::KnownCustomer;
use domain::crm::tag::{CustomerTag, TagBook};
use domain::kernel::failure::Failure;
use domain::kernel::id::{PersonId, TagId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::company::department::take;
use crate::crm::record::RecordRead;
use crate::table::batch_get::ReadMode;
use crate::table::idempotency::replayed;
use crate::table::item::Item;
use crate::table::kinds::TAG_BOOK;
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// A new tag: the result of the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagAdded {
    /// Its id.
    pub id: TagId,
    /// Its name and group.
    #[serde(flatten)]
    pub tag: CustomerTag,
}

impl Store {
    /// A company's tags; those that every company begins with when nobody has changed them.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when they cannot be read.
    pub async fn tag_book(&self, company: Company, read: RecordRead) -> Result<TagBook, Failure> {
        let found = self.batch_get(company, &[keys::tag_book(company)], read.into()).await?;
        book_of(found.into_iter().next())
    }

    /// The tags as of the last write, and the result of the same request, if it came before.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn tag_book_for(
        &self,
        company: Company,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<(TagBook, Option<TagAdded>), Failure> {
        let wanted = [keys::tag_book(company), keys::idempotency(company, &request.key)];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let book = book_of(take(&mut items, &wanted[0]))?;
        let before = take(&mut items, &wanted[1]).map(|first| replayed(first, request, now)).transpose()?;
        Ok((book, before.flatten()))
    }

    /// A customer as [`Store::known_customer`] reads them, and the company's tags, in the same call.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be read.
    pub async fn known_customer_and_tags(
        &self,
        company: Company,
        person: PersonId,
        read: RecordRead,
    ) -> Result<(KnownCustomer, TagBook), Failure> {
        let beside = [keys::tag_book(company)];
        let (known, items) = self.known_customer_beside(company, person, read, &beside).await?;
        Ok((known, book_of(items.into_iter().next())?))
    }

    /// Stores the book with a new tag, once per request. Returns `added`, or the first request's result.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the book has changed since it was read, [`Failure::KeyReused`] when the
    /// request's key stands for another request.
    pub async fn add_tag(
        &self,
        company: Company,
        after: &TagBook,
        added: TagAdded,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<TagAdded, Failure> {
        let key = keys::idempotency(company, &request.key);
        self.create_once(company, &key, request, audit.at, added, |transaction| {
            self.put_tag_book(transaction, company, after)?;
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }

    /// Stores the book after a change.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has changed since it was read.
    pub async fn change_tag_book(&self, company: Company, after: &TagBook, audit: &AuditEntry) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_tag_book(&mut transaction, company, after)?;
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    fn put_tag_book(&self, transaction: &mut Transaction, company: Company, after: &TagBook) -> Result<(), Failure> {
        let (condition, values) = at_version(after.version.saturating_sub(1));
        transaction.put(
            &self.table,
            TAG_BOOK.encode(&keys::tag_book(company), after)?,
            condition,
            values,
            Failure::Busy,
        );
        Ok(())
    }
}

fn book_of(item: Option<Item>) -> Result<TagBook, Failure> {
    item.map(|item| TAG_BOOK.decode(item)).transpose().map(Option::unwrap_or_default)
}
