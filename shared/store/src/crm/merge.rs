//! Merges of identities: the list of them, and the transactions that make and undo one.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::merge::{Merge, MergePlan};
use domain::crm::record::Records;
use domain::crm::timeline::TimelineEntry;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, Id, MergeId, PersonId};

use crate::close_rate::shortlist_refresh::mark_shortlist_refresh;
use crate::company::audit::add_entry;
use crate::crm::customer::put_customer;
use crate::crm::record::put_record;
use crate::crm::timeline::add_timeline_entry;
use crate::radar::counter::add_counts;
use crate::radar::pending_deltas::{PendingDeltas, split};
use crate::table::aside::PutAside;
use crate::table::item::Item;
use crate::table::kinds::MERGE;
use crate::table::read::Order;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// Most cards of a merge whose lists are refreshed at once; the others with the next thing that
/// the person does there. Beside all else of a merge they fit into one transaction.
const CARDS_MAX: usize = 10;

/// Whose place in which lists has changed: those who have not logged in themselves, on their cards, and both
/// identities of the merge, in the list of customers.
fn to_refresh(merge: &Merge, plan: &MergePlan) -> BTreeSet<(PersonId, CardId)> {
    let anonymous = plan.customers.iter().filter(|(_, customer)| customer.state.anonymous);
    let cards = anonymous.flat_map(|(person, customer)| customer.state.cards.keys().map(|card| (*person, *card)));
    // Any card will do: a mark has one.
    let any = plan.customers.values().find_map(|customer| customer.state.cards.keys().next());
    let both = [merge.edge.a, merge.edge.b].into_iter().filter_map(|person| Some((person, *any?)));
    cards.take(CARDS_MAX).chain(both).collect()
}

/// What a member who merges two customers writes beside the merge.
#[derive(Debug, Clone, Copy)]
pub struct MergeByHand<'a> {
    /// The identity whose timeline tells of it.
    pub person: PersonId,
    /// The records that change.
    pub changed: &'a Records,
    /// The entry of the timeline.
    pub entry: &'a TimelineEntry,
    /// The entry of the audit log.
    pub audit: &'a AuditEntry,
}

impl Store {
    /// Writes a new merge, or with an entry of the audit log one that was undone: the
    /// identities, and as many changes of counters as fit. The others are left for
    /// [`Store::count_pending`], in the same transaction.
    ///
    /// # Errors
    /// [`Failure::Busy`] when one of the identities has changed since it was read.
    pub async fn apply_merge(
        &self,
        company: Company,
        merge: &Merge,
        plan: &MergePlan,
        audit: Option<&AuditEntry>,
    ) -> Result<Vec<PendingDeltas>, Failure> {
        let mut transaction = Transaction::default();
        let later = self.add_merge(&mut transaction, company, (merge, plan), audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(later)
    }

    /// Writes a new merge that a member makes, with what changes in records by it.
    ///
    /// # Errors
    /// [`Failure::Busy`] when one of the identities or records has changed since it was read.
    pub async fn merge_by_hand(
        &self,
        company: Company,
        (merge, plan): (&Merge, &MergePlan),
        MergeByHand { person, changed, entry, audit }: MergeByHand<'_>,
    ) -> Result<Vec<PendingDeltas>, Failure> {
        let mut transaction = Transaction::default();
        let later = self.add_merge(&mut transaction, company, (merge, plan), None)?;
        for (person, record) in changed {
            put_record(&mut transaction, &self.table, company, *person, record)?;
        }
        add_timeline_entry(&mut transaction, &self.table, company, person, entry)?;
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(later)
    }

    /// Adds a merge, or one that was undone, to a transaction. Returns the changes of counters that do
    /// not fit into it.
    fn add_merge(
        &self,
        transaction: &mut Transaction,
        company: Company,
        (merge, plan): (&Merge, &MergePlan),
        audit: Option<&AuditEntry>,
    ) -> Result<Vec<PendingDeltas>, Failure> {
        let item = MERGE.encode(&keys::merge(company, merge.edge.merge), merge)?;
        match audit {
            None => transaction.create(&self.table, item, Failure::Busy),
            Some(entry) => {
                let in_force = "attribute_exists(#pk) AND attribute_not_exists(undone)";
                transaction.put(&self.table, item, in_force, Item::new(), Failure::Busy);
                add_entry(transaction, &self.table, company, entry)?;
            }
        }
        for (person, customer) in &plan.customers {
            put_customer(transaction, &self.table, company, *person, customer)?;
        }
        let left_by = audit.map_or_else(|| merge.edge.merge.uuid(), |entry| entry.id);
        let (now, later) = split(company, &plan.deltas, left_by);
        for (scope, period, counts) in &now {
            add_counts(transaction, &self.table, company, *scope, *period, counts);
        }
        let due = audit.map_or(merge.at, |entry| entry.at);
        for pending in &later {
            transaction.create(&self.table, pending.item(due)?, Failure::Busy);
        }
        for (person, card) in to_refresh(merge, plan) {
            mark_shortlist_refresh(transaction, &self.table, company, person, card, due)?;
        }
        Ok(later)
    }

    /// A merge, as of the last write.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn merge(&self, company: Company, merge: MergeId) -> Result<Merge, Failure> {
        self.get_latest(company, &keys::merge(company, merge), MERGE).await?.ok_or(Failure::NotFound)
    }

    /// Every merge of a company, in force or not, as of the last write, but for those that are put
    /// aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn every_merge(&self, company: Company, aside: &mut PutAside) -> Result<Vec<Merge>, Failure> {
        let items = self.all_latest(&keys::merges(company)).await?;
        aside.read_all(items, |item| MERGE.decode(item))
    }

    /// The merges of a company, the latest first.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn list_merges(
        &self,
        company: Company,
        after: Option<MergeId>,
        limit: u32,
    ) -> Result<Page<Merge, MergeId>, Failure> {
        let start = after.map(|merge| keys::merge(company, merge));
        let page = self.query(&keys::merges(company), start, limit, Order::NewestFirst).await?;
        let items: Vec<Merge> = page.items.into_iter().map(|item| MERGE.decode(item)).collect::<Result<_, _>>()?;
        let next = page.next.and_then(|_| items.last().map(|merge| merge.edge.merge));
        Ok(Page { items, next })
    }
}
