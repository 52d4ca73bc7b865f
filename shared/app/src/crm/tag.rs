//! The company's tags, and giving them to customers.

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::crm::command::CustomerError;
use domain::crm::record::KnownCustomer;
use domain::crm::tag::{CustomerTag, TagBook, TagBookError, TagError, TagMark, check_count};
use domain::crm::timeline::CustomerChange;
use domain::kernel::id::{MemberId, TagId};
use domain::kernel::idempotency::Idempotency;
use runtime::retry::Policy;
use store::{RecordRead, TagAdded};

use crate::Flow;
use crate::crm::record::RecordEditor;

/// A member who changes the company's tags.
#[derive(Debug, Clone, Copy)]
pub struct TagEditor {
    /// The company.
    pub company: Company,
    /// The member.
    pub by: MemberId,
}

impl TagEditor {
    /// Adds a tag once per request. Returns the one that the first such request added.
    ///
    /// # Errors
    /// [`TagBookError`].
    pub async fn add(
        &self,
        flow: &Flow<'_>,
        tag: CustomerTag,
        request: &Idempotency,
    ) -> Result<TagAdded, TagBookError> {
        let id = flow.new_id()?;
        let attempt = || async {
            let (book, before) = flow.store.tag_book_for(self.company, request, flow.now).await?;
            if let Some(before) = before {
                return Ok(Ok(before));
            }
            let after = match book.add(id, tag.clone()) {
                Ok(after) => after,
                Err(refused) => return Ok(Err(refused)),
            };
            let audit =
                flow.audit_change(AuditActor::Member(self.by), AuditAction::CustomerTags, id, None, Some(&tag))?;
            let added = TagAdded { id, tag: tag.clone() };
            flow.store.add_tag(self.company, &after, added, &audit, request).await.map(Ok)
        };
        flow.store.retry().run(Policy::CONTENTION, attempt).await?.map_err(TagBookError::Refused)
    }

    /// Renames a tag, or puts it into another group. Idempotent.
    ///
    /// # Errors
    /// [`TagBookError`].
    pub async fn change(&self, flow: &Flow<'_>, id: TagId, tag: &CustomerTag) -> Result<(), TagBookError> {
        self.change_book(flow, id, |book| book.change(id, tag.clone())).await
    }

    /// Deletes a tag, or merges it into another one. Idempotent.
    ///
    /// # Errors
    /// [`TagBookError`].
    pub async fn remove(&self, flow: &Flow<'_>, id: TagId, into: Option<TagId>) -> Result<(), TagBookError> {
        self.change_book(flow, id, |book| book.remove(id, into)).await
    }

    async fn change_book(
        &self,
        flow: &Flow<'_>,
        id: TagId,
        change: impl Fn(&TagBook) -> Result<TagBook, TagError>,
    ) -> Result<(), TagBookError> {
        let attempt = || async {
            let book = flow.store.tag_book(self.company, RecordRead::ToChange).await?;
            let after = match change(&book) {
                Ok(after) if after == book => return Ok(Ok(())),
                Ok(after) => after,
                Err(refused) => return Ok(Err(refused)),
            };
            let tag = |book: &TagBook| book.iter().find(|(known, _)| *known == id).map(|(_, tag)| tag.clone());
            let (actor, action) = (AuditActor::Member(self.by), AuditAction::CustomerTags);
            let audit = flow.audit_change(actor, action, id, tag(&book), tag(&after))?;
            flow.store.change_tag_book(self.company, &after, &audit).await.map(Ok)
        };
        flow.store.retry().run(Policy::CONTENTION, attempt).await?.map_err(TagBookError::Refused)
    }
}

impl RecordEditor {
    /// Gives the customer tags and takes others. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn set_tags(
        &self,
        flow: &Flow<'_>,
        add: &[TagId],
        remove: &[TagId],
    ) -> Result<(KnownCustomer, TagBook), CustomerError> {
        self.change(flow, |known, book| {
            let add = book.resolve_all(add).map_err(|error| error.at("/add"))?;
            let before = known.tags(book);
            let is_taken = |tag: &TagId| remove.iter().any(|taken| book.resolve(*taken) == Some(*tag));
            let added: Vec<_> = add.iter().filter(|tag| !before.contains_key(tag)).copied().collect();
            let removed: Vec<_> = before.keys().filter(|tag| is_taken(tag) && !add.contains(tag)).copied().collect();
            check_count(before.len() + added.len() - removed.len())?;
            let mark = TagMark { at: flow.now, by: self.viewer.member };
            let changed = known.changed(self.person, |records| {
                for record in records.values_mut() {
                    record.tags.retain(|tag, _| book.resolve(*tag).is_some_and(|tag| !removed.contains(&tag)));
                }
                let own = records.entry(self.person).or_default();
                own.tags.extend(added.iter().map(|tag| (*tag, mark)));
            });
            let is_same = added.is_empty() && removed.is_empty();
            Ok((!is_same).then_some((changed, CustomerChange::Tags { added, removed })))
        })
        .await
    }
}
