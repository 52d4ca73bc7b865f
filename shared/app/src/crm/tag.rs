//! Giving tags to customers.

use domain::crm::command::CustomerError;
use domain::crm::record::KnownCustomer;
use domain::crm::tag::{TagMark, check_count};
use domain::crm::timeline::CustomerChange;
use domain::kernel::id::TagId;
use store::CustomerBooks;

use crate::Flow;
use crate::crm::record::RecordEditor;

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
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        self.change(flow, |known, books| {
            let book = &books.tags;
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
