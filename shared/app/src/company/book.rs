//! Changing what a company keeps one list of.

use std::marker::PhantomData;

use domain::company::Company;
use domain::company::audit::AuditActor;
use domain::company::book::{BookError, BookRefusal};
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use runtime::retry::Policy;
use store::{AddedTo, BookAdded, BookPlace, RecordRead, StoredCompanyBook};

use crate::Flow;

/// A member who changes a book.
#[derive(Debug)]
pub struct BookEditor<B> {
    place: BookPlace,
    by: MemberId,
    book: PhantomData<B>,
}

impl<B: StoredCompanyBook> BookEditor<B> {
    /// The editor of a member, for the company's book.
    pub fn new(company: Company, by: MemberId) -> Self {
        Self { place: company.into(), by, book: PhantomData }
    }

    /// The same for the member's own book.
    pub fn own(company: Company, by: MemberId) -> Self {
        Self { place: BookPlace { company, member: Some(by) }, by, book: PhantomData }
    }

    /// Adds an entry once per request. Returns the one that the first such request added.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn add(&self, flow: &Flow<'_>, entry: B::Entry, request: &Idempotency) -> Result<AddedTo<B>, BookError> {
        let id = flow.new_id()?;
        let attempt = || async {
            let (book, before) = flow.store.book_for::<B>(self.place, request, flow.now).await?;
            if let Some(before) = before {
                return Ok(Ok(before));
            }
            let after = match book.add(id, entry.clone()) {
                Ok(after) => after,
                Err(refused) => return Ok(Err(refused)),
            };
            let audit = flow.audit_change(AuditActor::Member(self.by), B::AUDIT, id, None, Some(&entry))?;
            let added = BookAdded { id, entry: entry.clone() };
            flow.store.add_to_book(self.place, &after, added, &audit, request).await.map(Ok)
        };
        flow.store.retry().run(Policy::CONTENTION, attempt).await?.map_err(BookError::Refused)
    }

    /// Changes or removes the entry of an id. Returns the entry that stands then. Idempotent as `change` is.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn change(
        &self,
        flow: &Flow<'_>,
        id: B::Id,
        change: impl Fn(&B) -> Result<B, BookRefusal>,
    ) -> Result<Option<B::Entry>, BookError> {
        let attempt = || async {
            let book = flow.store.book::<B>(self.place, RecordRead::ToChange).await?;
            let after = match change(&book) {
                Ok(after) => after,
                Err(refused) => return Ok(Err(refused)),
            };
            let stands = after.entry(id).cloned();
            if after == book {
                return Ok(Ok(stands));
            }
            let audit =
                flow.audit_change(AuditActor::Member(self.by), B::AUDIT, id, book.entry(id), after.entry(id))?;
            flow.store.change_book(self.place, &after, &audit).await.map(|()| Ok(stands))
        };
        flow.store.retry().run(Policy::CONTENTION, attempt).await?.map_err(BookError::Refused)
    }
}
