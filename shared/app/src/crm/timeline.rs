//! The timeline of a customer: what they did and what was done about them, in one order.

use std::cmp::Reverse;

use domain::crm::command::CustomerError;
use domain::crm::timeline::{TimelineItem, TimelineKind, TimelinePosition, derived_items};
use store::Page;

use crate::Flow;
use crate::crm::record::RecordEditor;

impl RecordEditor {
    /// A page of the timeline after a place, the latest first; of one kind, or of all. A page may be short
    /// and not the last.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn timeline(
        &self,
        flow: &Flow<'_>,
        kind: Option<TimelineKind>,
        after: Option<TimelinePosition>,
        limit: u32,
    ) -> Result<Page<TimelineItem, TimelinePosition>, CustomerError> {
        let known = self.find(flow).await?;
        let persons =
            if kind.is_none_or(TimelineKind::is_stored) { known.records.keys().copied().collect() } else { Vec::new() };
        // Without a filter there are enough lines in so many; a filter looks through more.
        let most = kind.is_none().then_some(limit);
        let stored = flow.store.timeline(self.company, &persons, after, most).await?;
        let derived = derived_items(&known.merged(), self.viewer).into_iter();
        let derived = derived.filter(|item| {
            let place = item.position();
            after.is_none_or(|after| place < after) && stored.read_to.is_none_or(|end| place >= end)
        });
        let mut items: Vec<_> = stored.items.into_iter().chain(derived).collect();
        items.retain(|item| kind.is_none_or(|kind| item.kind() == kind));
        items.sort_by_key(|item| Reverse(item.position()));
        let full = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = if full { items.last().map(TimelineItem::position) } else { stored.read_to };
        Ok(Page { items, next })
    }
}
