//! The timelines of customers: a partition for each identity.

use std::cmp::Reverse;

use domain::company::Company;
use domain::crm::timeline::{TimelineEntry, TimelineItem, TimelinePosition};
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;

use crate::table::item::Item;
use crate::table::kinds::{FOLLOW_UP, TIMELINE_ENTRY};
use crate::table::read::{FILTER_READ_MAX, Order};
use crate::table::transaction::Transaction;
use crate::{Store, keys};

/// The stored lines of a timeline, and how far they were read.
#[derive(Debug, Default)]
pub struct TimelinePage {
    /// The lines, the latest first.
    pub items: Vec<TimelineItem>,
    /// Older lines than this one were not read; `None` when there are no others.
    pub read_to: Option<TimelinePosition>,
}

impl Store {
    /// Lines of a person's timeline after a place, the latest first: all that one call looks through for
    /// each of the identities, or the first so many. What was deleted is left out.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn timeline(
        &self,
        company: Company,
        persons: &[PersonId],
        after: Option<TimelinePosition>,
        most: Option<u32>,
    ) -> Result<TimelinePage, Failure> {
        let mut page = TimelinePage::default();
        for person in persons {
            let start = after.map(|after| keys::timeline_entry(company, *person, after.uuid()));
            let partition = keys::timeline(company, *person);
            let read = self.query(&partition, start, most.unwrap_or(FILTER_READ_MAX), Order::NewestFirst).await?;
            let last = read.next.as_ref().and_then(keys::timeline_entry_of);
            page.read_to = page.read_to.max(last.map(|last| TimelinePosition(last.as_u128())));
            page.items.extend(read.items.into_iter().map(item_of).collect::<Result<Vec<_>, _>>()?);
        }
        // What one identity was not read as far as stands on the next page.
        page.items.retain(|item| page.read_to.is_none_or(|end| item.position() >= end));
        page.items.retain(|item| !matches!(item, TimelineItem::FollowUp(follow_up) if follow_up.deleted.is_some()));
        page.items.sort_by_key(|item| Reverse(item.position()));
        Ok(page)
    }
}

fn item_of(item: Item) -> Result<TimelineItem, Failure> {
    if FOLLOW_UP.is_of(&item) {
        return FOLLOW_UP.decode(item).map(TimelineItem::FollowUp);
    }
    TIMELINE_ENTRY.decode(item).map(TimelineItem::Change)
}

/// Adds an entry to a transaction.
pub(crate) fn add_timeline_entry(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    entry: &TimelineEntry,
) -> Result<(), Failure> {
    let item = TIMELINE_ENTRY.encode(&keys::timeline_entry(company, person, entry.id), entry)?;
    transaction.create(table, item, Failure::Busy);
    Ok(())
}
