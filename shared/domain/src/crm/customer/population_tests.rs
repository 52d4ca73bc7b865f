use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use crate::close_rate::model::{Model, Rate};
use crate::close_rate::shortlist::{RankUpdate, Shortlist};
use crate::company::department::DepartmentPath;
use crate::crm::addition::{Addition, CustomerSource};
use crate::crm::command::CustomerCommand;
use crate::crm::identities::{Customer, Identities, MergedCustomer};
use crate::crm::identity_group::MergeEdge;
use crate::crm::membership::change_membership;
use crate::crm::merge::{Merge, MergeReason, Undone, groups};
use crate::crm::opportunity::{Deal, ManualCloseRate};
use crate::crm::record::{CustomerRecord, KnownCustomer, Records};
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DealId, Id, MemberId, MergeId, PersonId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::aggregate::{Segment, SegmentKey, plan};
use crate::radar::counter::{Counter, CounterDeltas, Period, Scope};
use crate::radar::recount::{Recount, correction};
use crate::tracking::batch::BatchId;
use crate::tracking::event::{Event, EventKind, Object, Target};
use crate::tracking::filter_reason::FilterReason;

const PERSONS: u8 = 5;
/// Identities that members may add; their numbers follow those of the persons.
const ADDED: u8 = 2;
const CARDS: u8 = 3;

fn person(n: u8) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn card(n: u8) -> CardId {
    CardId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

/// Something that happens to somebody.
#[derive(Debug, Clone)]
enum Step {
    Event(u8, u8, EventKind, Option<FilterReason>),
    Merge(u8, u8),
    /// Undoes the n-th merge.
    Undo(usize),
    /// A member adds somebody to a card, or to the company alone.
    Add(u8, Option<u8>),
    /// They take it back, if it can be.
    Revoke(u8),
    Join(u8),
    Leave(u8),
    Deal(u8, u8),
    NoDeal(u8, u8),
    Rate(u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (who, on) = (0..PERSONS, 0..CARDS);
    let (anybody, added) = (0..PERSONS + ADDED, PERSONS..PERSONS + ADDED);
    let kind = prop::sample::select(EventKind::ALL.to_vec());
    let reason = prop::option::weighted(0.3, prop::sample::select(FilterReason::ALL.to_vec()));
    let event = (who.clone(), on.clone(), kind, reason).prop_map(|(a, b, c, d)| Step::Event(a, b, c, d));
    let step = prop_oneof![
        8 => event,
        2 => (added.clone(), prop::option::of(on.clone())).prop_map(|(a, b)| Step::Add(a, b)),
        1 => added.prop_map(Step::Revoke),
        2 => (anybody.clone(), anybody.clone()).prop_map(|(a, b)| Step::Merge(a, b)),
        1 => (0usize..9).prop_map(Step::Undo),
        2 => who.clone().prop_map(Step::Join),
        1 => who.clone().prop_map(Step::Leave),
        2 => (anybody.clone(), on.clone()).prop_map(|(a, b)| Step::Deal(a, b)),
        1 => (anybody.clone(), on.clone()).prop_map(|(a, b)| Step::NoDeal(a, b)),
        1 => (anybody, on).prop_map(|(a, b)| Step::Rate(a, b)),
    ];
    prop::collection::vec(step, 0..40)
}

/// All that is stored of a company's people.
#[derive(Debug, Default)]
struct StoredPeople {
    customers: Identities,
    records: Records,
    counters: CounterDeltas,
    merges: Vec<Merge>,
    log: Vec<Segment>,
}

impl StoredPeople {
    fn group(&self, of: PersonId) -> Identities {
        let mut members = self.customers.get(&of).map(|one| one.links.group.members()).unwrap_or_default();
        members.insert(of);
        members.iter().filter_map(|one| Some((*one, self.customers.get(one)?.clone()))).collect()
    }

    /// As the store does it: each write raises the version.
    fn write(&mut self, customers: Identities) {
        let next = |(person, one): (PersonId, Customer)| (person, Customer { version: one.version + 1, ..one });
        self.customers.extend(customers.into_iter().map(next));
    }

    /// The last person has never logged in.
    fn event(&mut self, (by, on): (u8, u8), kind: EventKind, filtered: Option<FilterReason>) {
        let object = Object { target: Target::Card, title: None };
        let duration_ms = (kind == EventKind::Dwell).then_some(1_000);
        let event = Event { kind, card: card(on), object, share_code: None, at: now(), duration_ms, filtered };
        let segment = Segment {
            key: SegmentKey { card: card(on), batch: BatchId::from_uuid(Uuid::nil()), person: person(by) },
            fingerprint: String::new(),
            received_at: now(),
            anonymous: by == PERSONS - 1,
            rules: 1,
            departments: DepartmentPath::default(),
            events: vec![event],
        };
        let mut plan = plan(std::slice::from_ref(&segment), &self.customers);
        self.log.push(plan.judged.remove(&0).unwrap_or(segment));
        self.write(plan.customers);
        self.counters.add_all(&plan.deltas);
    }

    fn command(&mut self, who: u8, on: u8, command: CustomerCommand) {
        let read = self.group(person(who));
        let known = MergedCustomer::of(read.values()).state.cards.contains_key(&card(on));
        if let (true, Ok(update)) = (known, command.of(&read, person(who), card(on))) {
            self.write(update.customers);
            self.counters.add_all(&update.deltas);
        }
    }

    fn add(&mut self, who: u8, on: Option<u8>) {
        let by = MemberId::from_uuid(Uuid::from_u128(9));
        let (source, card, departments) = (CustomerSource::ByHand, on.map(card), DepartmentPath::default());
        let addition = Addition { at: now(), by, source, card, departments, mobile: None };
        // An identity that is merged, or was, exists.
        if self.customers.contains_key(&person(who)) {
            return;
        }
        self.customers.insert(person(who), Customer { version: 1, ..addition.customer() });
        self.counters.add_all(&addition.contributions());
        let record = CustomerRecord { version: 1, addition: Some(addition), ..CustomerRecord::default() };
        self.records.insert(person(who), record);
    }

    fn revoke(&mut self, who: u8) {
        let known = KnownCustomer {
            identities: self.group(person(who)),
            records: self.records.clone(),
            ..KnownCustomer::default()
        };
        let Some(addition) = known.revocable_addition(person(who)) else { return };
        self.counters.subtract_all(&addition.contributions());
        self.customers.remove(&person(who));
        self.records.remove(&person(who));
    }

    fn membership(&mut self, who: u8, member: bool) {
        if let Some(change) = change_membership(&self.group(person(who)), person(who), member) {
            self.write([(person(who), change.customer)].into());
            self.counters.add_all(&change.deltas);
        }
    }

    fn step(&mut self, n: usize, step: Step) {
        let by = MemberId::from_uuid(Uuid::from_u128(9));
        let id = Uuid::from_u128(n as u128);
        match step {
            Step::Event(by, on, kind, filtered) => self.event((by, on), kind, filtered),
            Step::Merge(a, b) if a != b => {
                let edge = MergeEdge { merge: MergeId::from_uuid(id), a: person(a), b: person(b) };
                let merge = Merge { edge, reason: MergeReason::Phone, at: now(), undone: None };
                if let Ok(plan) = merge.plan(&self.customers) {
                    self.write(plan.customers);
                    self.counters.add_all(&plan.deltas);
                    self.merges.push(merge);
                }
            }
            Step::Undo(n) => {
                let Some(plan) = self.merges.get(n).and_then(|merge| merge.undo(&self.customers)) else { return };
                self.write(plan.customers);
                self.counters.add_all(&plan.deltas);
                self.merges[n].undone = Some(Undone { at: now(), by });
            }
            Step::Add(who, on) => self.add(who, on),
            Step::Revoke(who) => self.revoke(who),
            Step::Join(who) => self.membership(who, true),
            Step::Leave(who) => self.membership(who, false),
            Step::Deal(who, on) => {
                let deal = Deal { closed_on: Day::of(now()), at: now(), by };
                self.command(who, on, CustomerCommand::Deal(DealId::from_uuid(id), deal));
            }
            Step::NoDeal(who, on) => {
                let deals = MergedCustomer::of(self.group(person(who)).values()).opportunity;
                if let Some((deal, _)) = deals.deals_on(card(on)).next() {
                    self.command(who, on, CustomerCommand::NoDeal(deal));
                }
            }
            Step::Rate(who, on) => {
                let set = ManualCloseRate { at: now(), rate: Rate::from_percent(85).unwrap(), by };
                self.command(who, on, CustomerCommand::Rate(set));
            }
            Step::Merge(..) => {}
        }
    }

    /// Every person with all identities, by the first of them.
    fn people(&self) -> BTreeMap<PersonId, (BTreeSet<PersonId>, MergedCustomer)> {
        let whole = |of: &PersonId| {
            let group = self.group(*of);
            let identities: BTreeSet<_> = group.keys().copied().collect();
            Some((*identities.first()?, (identities, MergedCustomer::of(group.values()))))
        };
        self.customers.keys().filter_map(whole).collect()
    }

    fn count(&self, scope: Scope, counter: Counter) -> i64 {
        let lifetime = self.counters.of(scope).find(|(period, _)| *period == Period::Lifetime);
        lifetime.and_then(|(_, counts)| counts.get(&counter).copied()).unwrap_or_default()
    }
}

/// The definition once more, by the events themselves.
fn is_customer(
    written: &StoredPeople,
    identities: &BTreeSet<PersonId>,
    members: &BTreeSet<PersonId>,
    scope: Scope,
) -> bool {
    let is_in = |segment: &&Segment| scope == Scope::Company || scope == Scope::Card(segment.key.card);
    let own = written.log.iter().filter(|segment| identities.contains(&segment.key.person)).filter(is_in);
    let has_counted = own.flat_map(|segment| &segment.events).any(Event::counts);
    let has_logged_in = identities.iter().any(|one| *one != person(PERSONS - 1));
    let added = identities.iter().filter_map(|one| written.records.get(one)?.addition.as_ref());
    let is_added = |addition: &Addition| scope == Scope::Company || addition.card.map(Scope::Card) == Some(scope);
    (has_counted && has_logged_in || added.into_iter().any(is_added)) && identities.is_disjoint(members)
}

proptest! {
    /// Whatever happened: closed customers and bands are all customers, every list is of customers only
    /// and knows all without a deal, and a recount from the log finds nothing wrong.
    #[test]
    fn one_population_for_every_number(steps in steps()) {
        let (mut written, mut members) = (StoredPeople::default(), BTreeSet::new());
        for (n, step) in steps.into_iter().enumerate() {
            if let Step::Join(who) = step {
                members.insert(person(who));
            }
            if let Step::Leave(who) = step {
                members.remove(&person(who));
            }
            written.step(n, step);
        }
        let (people, today) = (written.people(), Day::of(now()));
        for scope in (0..CARDS).map(|n| Scope::Card(card(n))).chain([Scope::Company]) {
            let customers: BTreeSet<_> = people
                .iter()
                .filter(|(_, (identities, _))| is_customer(&written, identities, &members, scope))
                .map(|(first, _)| *first)
                .collect();
            prop_assert_eq!(written.count(scope, Counter::Customers), customers.len() as i64, "{:?}", scope);
            let mut list = Shortlist::default();
            for (first, (identities, whole)) in &people {
                let place = whole.rank_key(scope, &Model::default(), today);
                prop_assert!(place.is_none() || customers.contains(first), "only customers are listed");
                prop_assert!(customers.contains(first) || whole.state.evidence_in(scope).is_empty());
                list.update([RankUpdate { person: *first, others: identities.clone(), place }]);
            }
            let closed = written.count(scope, Counter::ClosedCustomers);
            let funnel = list.funnel(today, customers.len() as i64, closed);
            prop_assert_eq!(funnel.customers.iter().sum::<i64>() + closed, customers.len() as i64);
            prop_assert_eq!(list.len() as i64 + closed, customers.len() as i64, "all others are listed");
        }
        let mut recount = Recount::default();
        written.log.iter().for_each(|segment| recount.add(segment));
        written.records.iter().for_each(|(person, record)| recount.add_record(*person, record));
        for (person, customer) in &written.customers {
            recount.record(*person, customer);
            prop_assert_eq!(recount.customer(*person), Some(customer.state.clone()));
        }
        recount.unite(&groups(&written.merges));
        for scope in recount.scopes() {
            let stored: BTreeMap<_, _> = written.counters.of(scope).collect();
            for (period, expected) in recount.counters(scope).unwrap() {
                let stored = stored.get(&period).cloned().unwrap_or_default();
                prop_assert_eq!(correction(&expected, &stored), BTreeMap::new(), "{:?} {:?}", scope, period);
            }
        }
    }
}

/// One person after these events, who joined the company and left it.
fn history(kinds: &[EventKind]) -> [bool; 3] {
    let mut written = StoredPeople::default();
    kinds.iter().for_each(|kind| written.event((0, 0), *kind, None));
    let is_counted = |written: &StoredPeople| written.count(Scope::Company, Counter::Customers) == 1;
    let before = is_counted(&written);
    written.membership(0, true);
    let as_member = is_counted(&written);
    written.membership(0, false);
    [before, as_member, is_counted(&written)]
}

#[test]
fn every_kind_of_event_makes_a_customer_who_is_none_while_they_are_a_member() {
    for kind in EventKind::ALL {
        assert_eq!(history(&[*kind]), [true, false, true], "{kind}");
    }
    assert_eq!(history(&[]), [false; 3]);
}

#[test]
fn a_member_who_forwards_is_no_customer_and_has_no_evidence() {
    let mut written = StoredPeople::default();
    written.membership(0, true);
    written.event((0, 0), EventKind::Forward, None);
    assert_eq!(written.count(Scope::Company, Counter::Customers), 0);
    assert_eq!(written.count(Scope::Company, Counter::Events(EventKind::Forward)), 1, "passing cards on is their work");
    let state = |written: &StoredPeople| written.customers[&person(0)].state.clone();
    assert!(state(&written).evidence().is_empty());
    written.membership(0, false);
    assert_eq!(written.count(Scope::Company, Counter::Customers), 1);
    assert!(!state(&written).evidence().is_empty());
}

#[test]
fn a_state_tells_after_it_was_stored_who_is_a_member() {
    for (member, anonymous) in [(true, false), (false, true), (true, true), (false, false)] {
        let state = super::CustomerState { member, anonymous, ..super::CustomerState::default() };
        assert_eq!(super::CustomerState::from_bytes(&state.to_bytes()).unwrap(), state);
    }
}
