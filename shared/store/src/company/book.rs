//! The books of a company: one item each.

use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::company::book::CompanyBook;
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::company::department::take;
use crate::keys::Key;
use crate::table::batch_get::{ReadMode, RecordRead};
use crate::table::idempotency::replayed;
use crate::table::item::Item;
use crate::table::kinds::{CUSTOM_FIELD_BOOK, FREIGHT_BOOK, TAG_BOOK, VIEW_BOOK};
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// The books there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookName {
    /// Tags.
    Tags,
    /// Fields of the company's own.
    CustomFields,
    /// Views of customers.
    Views,
    /// Templates of freight.
    FreightTemplates,
}

/// Whose book it is: the company's, or a member's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookPlace {
    /// The company.
    pub company: Company,
    /// The member of an own book.
    pub member: Option<MemberId>,
}

impl From<Company> for BookPlace {
    fn from(company: Company) -> Self {
        Self { company, member: None }
    }
}

/// A book that is stored.
pub trait StoredCompanyBook: CompanyBook<Id: Storable, Entry: Storable> + Storable {
    /// Which one it is.
    const KIND: BookName;
}

/// What the table takes and gives back.
pub trait Storable: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Storable for T {}

/// A new entry: the result of the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookAdded<I, E> {
    /// Its id.
    pub id: I,
    /// The entry.
    pub entry: E,
}

/// The result of adding an entry to a book.
pub type AddedTo<B> = BookAdded<<B as CompanyBook>::Id, <B as CompanyBook>::Entry>;

impl Store {
    /// A company's book; the one that every company begins with when nobody has changed it.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn book<B: StoredCompanyBook>(
        &self,
        place: impl Into<BookPlace>,
        read: RecordRead,
    ) -> Result<B, Failure> {
        let place = place.into();
        let found = self.batch_get(place.company, &[B::KIND.key(place)], read.into()).await?;
        book_of(found.into_iter().next())
    }

    /// The book as of the last write, and the result of the same request, if it came before.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn book_for<B: StoredCompanyBook>(
        &self,
        place: BookPlace,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<(B, Option<AddedTo<B>>), Failure> {
        let wanted = [B::KIND.key(place), keys::idempotency(place.company, &request.key)];
        let mut items = self.batch_get(place.company, &wanted, ReadMode::Consistent).await?;
        let book = book_of(take(&mut items, &wanted[0]))?;
        let before = take(&mut items, &wanted[1]).map(|first| replayed(first, request, now)).transpose()?;
        Ok((book, before.flatten()))
    }

    /// Stores the book with a new entry, once per request. Returns `added`, or the first request's result.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the book has changed since it was read, [`Failure::KeyReused`] when the
    /// request's key stands for another request.
    pub async fn add_to_book<B: StoredCompanyBook>(
        &self,
        place: BookPlace,
        after: &B,
        added: AddedTo<B>,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<AddedTo<B>, Failure> {
        let key = keys::idempotency(place.company, &request.key);
        self.create_once(place.company, &key, request, audit.at, added, |transaction| {
            self.put_book(transaction, place, after, audit)
        })
        .await
    }

    /// Stores the book after a change.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has changed since it was read.
    pub async fn change_book<B: StoredCompanyBook>(
        &self,
        place: BookPlace,
        after: &B,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_book(&mut transaction, place, after, audit)?;
        self.commit(place.company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// A member's own book is nobody else's business: the audit log does not have it.
    fn put_book<B: StoredCompanyBook>(
        &self,
        transaction: &mut Transaction,
        place: BookPlace,
        after: &B,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let key = B::KIND.key(place);
        let item = match B::KIND {
            BookName::Tags => TAG_BOOK.encode(&key, after)?,
            BookName::CustomFields => CUSTOM_FIELD_BOOK.encode(&key, after)?,
            BookName::Views => VIEW_BOOK.encode(&key, after)?,
            BookName::FreightTemplates => FREIGHT_BOOK.encode(&key, after)?,
        };
        let (condition, values) = at_version(after.version().saturating_sub(1));
        transaction.put(&self.table, item, condition, values, Failure::Busy);
        if place.member.is_none() { add_entry(transaction, &self.table, place.company, audit) } else { Ok(()) }
    }
}

impl BookName {
    pub(crate) fn key(self, BookPlace { company, member }: BookPlace) -> Key {
        match self {
            Self::Tags => keys::tag_book(company),
            Self::CustomFields => keys::custom_field_book(company),
            Self::Views => keys::view_book(company, member),
            Self::FreightTemplates => keys::freight_book(company),
        }
    }
}

/// The book of an item; the one that every company begins with without one.
pub(crate) fn book_of<B: StoredCompanyBook>(item: Option<Item>) -> Result<B, Failure> {
    let kind = match B::KIND {
        BookName::Tags => TAG_BOOK,
        BookName::CustomFields => CUSTOM_FIELD_BOOK,
        BookName::Views => VIEW_BOOK,
        BookName::FreightTemplates => FREIGHT_BOOK,
    };
    item.map(|item| kind.decode(item)).transpose().map(Option::unwrap_or_default)
}
