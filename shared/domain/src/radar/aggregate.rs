//! From accepted batches to one transaction's worth of writes.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::company::department::DepartmentPath;
use crate::crm::activity::Activity;
use crate::crm::customer::{ApplyError, SentBy};
use crate::crm::identities::{Customer, MergedCustomer};
use crate::kernel::id::{CardId, PersonId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::{CounterDeltas, Period, Scope};
use crate::tracking::batch::{AcceptedBatch, BatchId};
use crate::tracking::event::Event;
use crate::tracking::filter_reason::FilterReason;

/// Most writes in one transaction (DynamoDB's limit).
pub const ACTIONS_MAX: usize = 100;
/// Most changes of counters in a chunk that waits; one action more deletes it.
pub const CHUNK_MAX: usize = 90;

/// What makes a segment unique: the same key is the same events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentKey {
    /// The card the events happened on.
    pub card: CardId,
    /// The batch they came in.
    pub batch: BatchId,
    /// The person who did them.
    pub person: PersonId,
}

/// The events of one batch on one card: one item of the event log, which is at the
/// same time the marker that they have been counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its key.
    pub key: SegmentKey,
    /// Digest of the whole batch as the client sent it.
    pub fingerprint: String,
    /// When the batch was accepted.
    pub received_at: Timestamp,
    /// Whether the person had not logged in.
    pub anonymous: bool,
    /// Version of the filter rules the events were judged by.
    pub rules: u16,
    /// Where the card was when the batch was accepted.
    pub departments: DepartmentPath,
    /// In the order they were sent; never empty.
    pub events: Vec<Event>,
}

impl Segment {
    /// Whether a login stands behind it.
    pub fn by(&self) -> SentBy {
        if self.anonymous { SentBy::Anonymous } else { SentBy::LoggedIn }
    }

    /// Under an id of its own, not counted: its batch id was used for other events.
    #[must_use]
    pub fn reused(mut self) -> Self {
        self.key.batch = self.key.batch.for_other_content(&self.fingerprint);
        self.events.iter_mut().for_each(|event| event.filtered = Some(FilterReason::ReusedBatch));
        self
    }
}

/// A batch, split by card.
pub fn segments(batch: AcceptedBatch) -> Vec<Segment> {
    let AcceptedBatch { person, batch, fingerprint, received_at, anonymous, rules, mut departments, events, .. } =
        batch;
    let mut by_card: BTreeMap<CardId, Vec<Event>> = BTreeMap::new();
    for event in events {
        by_card.entry(event.card).or_default().push(event);
    }
    let segment = |(card, events)| {
        let departments = departments.remove(&card).unwrap_or_default();
        let key = SegmentKey { card, batch, person };
        Segment { key, fingerprint: fingerprint.clone(), received_at, anonymous, rules, departments, events }
    };
    by_card.into_iter().map(segment).collect()
}

/// One transaction: what is written together.
#[derive(Debug, Default)]
pub struct AggregationPlan {
    /// Positions of the segments it counts.
    pub segments: Vec<usize>,
    /// What the person has done before holds back some of their events: these segments, by
    /// position, as they are counted.
    pub judged: BTreeMap<usize, Segment>,
    /// The customers after counting, with the versions they were read at.
    pub customers: BTreeMap<PersonId, Customer>,
    /// Customers that are only read, with the versions they were read at: the other identities of
    /// persons who are counted.
    pub unchanged: BTreeMap<PersonId, u64>,
    /// The changes of the counters.
    pub deltas: CounterDeltas,
    /// Changes of departments' counters that do not fit: at most [`CHUNK_MAX`], in a chunk that
    /// is written down in the same transaction.
    pub later: CounterDeltas,
    /// Segments that can never be counted.
    pub refused: Vec<(usize, ApplyError)>,
}

/// Counts as many of the first segments as fit into one transaction.
///
/// `known` holds the states of all persons concerned, and of the other identities of each; a
/// person who is missing is new. At least the first segment is always counted or rejected: alone
/// it touches at most seven scopes of some 20 periods and ten identities, which leaves less than
/// a chunk for later.
pub fn plan<S: Borrow<Segment>>(segments: &[S], known: &BTreeMap<PersonId, Customer>) -> AggregationPlan {
    let mut plan = AggregationPlan::default();
    let mut counters: BTreeSet<(Scope, Period)> = BTreeSet::new();
    let mut people: BTreeSet<PersonId> = BTreeSet::new();
    for (position, segment) in segments.iter().map(Borrow::borrow).enumerate() {
        let person = segment.key.person;
        let judged = plan.judged(segment, known);
        let (customer, deltas) = match plan.counted(judged.as_ref().unwrap_or(segment), known) {
            Ok(counted) => counted,
            Err(error) => {
                plan.refused.push((position, error));
                continue;
            }
        };
        let touched: BTreeSet<_> = deltas.periods().filter(|period| !counters.contains(period)).collect();
        let mut met = customer.links.group.members();
        met.insert(person);
        met.retain(|person| !people.contains(person));
        // One more for the page of the company feed.
        let actions = plan.segments.len() + 1 + people.len() + met.len() + counters.len() + touched.len() + 1;
        if actions > ACTIONS_MAX && !plan.segments.is_empty() {
            break;
        }
        counters.extend(touched);
        people.extend(met);
        plan.deltas.add_all(&deltas);
        plan.customers.insert(person, customer);
        plan.segments.push(position);
        plan.judged.extend(judged.map(|judged| (position, judged)));
    }
    // One for the page and one for the chunk; only a segment that is alone leaves any.
    let room = ACTIONS_MAX.saturating_sub(plan.segments.len() + people.len() + 2);
    if plan.deltas.changed() > room + 1 {
        plan.later = plan.deltas.split_off(room);
    }
    let version = |person| known.get(&person).map_or(0, |customer| customer.version);
    let unchanged = people.into_iter().filter(|person| !plan.customers.contains_key(person));
    plan.unchanged = unchanged.map(|person| (person, version(person))).collect();
    plan
}

impl AggregationPlan {
    /// A segment with the reasons why events of it are not counted; `None` when there are none.
    fn judged(&self, segment: &Segment, known: &BTreeMap<PersonId, Customer>) -> Option<Segment> {
        let (mine, others) = self.parts(segment.key.person, known);
        let activity = mine.into_iter().chain(others).map(|part| &part.state.activity);
        let mut events = segment.events.clone();
        Activity::sum(activity).judge(&mut events);
        (events != segment.events).then(|| Segment { events, ..segment.clone() })
    }

    /// The customer of a segment after counting it, and what that changes.
    fn counted(
        &self,
        segment: &Segment,
        known: &BTreeMap<PersonId, Customer>,
    ) -> Result<(Customer, CounterDeltas), ApplyError> {
        let (mine, others) = self.parts(segment.key.person, known);
        let mut customer = mine.cloned().unwrap_or_default();
        let closed = |customer: &Customer| {
            let parts = others.iter().copied().chain([customer]);
            let has_deals = parts.clone().any(|part| !part.opportunity.is_empty());
            has_deals.then(|| MergedCustomer::of(parts).closed())
        };
        let before = closed(&customer);
        let mut deltas = if customer.links.group.is_alone() {
            customer.state.apply(segment.by(), &segment.events, &segment.departments)?
        } else {
            let others = others.iter().map(|other| &other.state);
            customer.state.apply_as_part(segment.by(), &segment.events, &segment.departments, others)?
        };
        if !customer.state.fits() {
            return Err(ApplyError::TooLarge);
        }
        // A deal may be there before anything of its person is counted, by a merge that was undone.
        if let (Some(before), Some(after)) = (before, closed(&customer)) {
            deltas.add_all(&after);
            deltas.subtract_all(&before);
        }
        Ok((customer, deltas))
    }

    /// A person's identity, if it has done something, and their other identities, as counted so far.
    fn parts<'a>(
        &'a self,
        person: PersonId,
        known: &'a BTreeMap<PersonId, Customer>,
    ) -> (Option<&'a Customer>, Vec<&'a Customer>) {
        let latest = |person: &PersonId| self.customers.get(person).or_else(|| known.get(person));
        let mine = latest(&person);
        let mut others = mine.map(|customer| customer.links.group.members()).unwrap_or_default();
        others.remove(&person);
        (mine, others.iter().filter_map(latest).collect())
    }
}

#[cfg(test)]
#[path = "aggregate_tests.rs"]
mod tests;
