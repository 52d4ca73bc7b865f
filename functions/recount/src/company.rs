//! The recount of one company while others write.
//!
//! A round reads the revision of each set of counters, then the whole log, then the counters. Every
//! transaction that adds to counters raises their revision, so counters with the same revision
//! before and after were not changed in between, and the log determines their right values. The
//! next round checks the counters that were changed. A repair is conditional on the compared
//! revision or version.

use std::collections::{BTreeMap, BTreeSet};

use domain::company::Company;
use domain::crm::customer::CustomerState;
use domain::crm::identities::Customer;
use domain::crm::identity_group::{Group, IdentityLinks};
use domain::crm::merge::{Merge, groups};
use domain::crm::record::CustomerRecord;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::Segment;
use domain::radar::counter::{Counts, Period, Scope};
use domain::radar::log_end::{whole_since, with_forgotten};
use domain::radar::recount::{Recount, RecountReport, correction};
use runtime::clock::Clock;
use store::{Counted, PendingDeltas, PutAside, Store};

use crate::customer_list;
use crate::log::replay;
use crate::obscure::Obscure;

/// Most rounds; counters that were written during all of them are reported as not checked.
const ROUNDS: usize = 4;
/// Customers read together.
const CUSTOMERS: usize = 100;

/// Recounts a company; with `repair` it corrects wrong numbers, without it it writes nothing. No
/// round begins that could not end by `stop_at`. Returns what it could not read, and how much of the list of
/// customers was wrong, beside the report.
pub(crate) async fn recount(
    store: &Store,
    company: Company,
    repair: bool,
    clock: &Clock,
    stop_at: Timestamp,
) -> Result<(RecountReport, PutAside, usize), Failure> {
    let mut job = RecountJob::new(store, company, RecountReport::begun(clock.now(), repair));
    for _ in 0..ROUNDS {
        let began = clock.now();
        Box::pin(job.round()).await?;
        let took = clock.now().millis() - began.millis();
        if job.is_done() || clock.now().plus_millis(took) > stop_at {
            break;
        }
    }
    job.end().await
}

/// The counters of a scope that are still to be compared.
#[derive(Debug)]
enum Open {
    All,
    Some(BTreeSet<Period>),
}

impl Open {
    fn has(&self, period: Period) -> bool {
        match self {
            Self::All => true,
            Self::Some(periods) => periods.contains(&period),
        }
    }
}

struct RecountJob<'a> {
    store: &'a Store,
    company: Company,
    report: RecountReport,
    /// All known scopes.
    scopes: BTreeSet<Scope>,
    /// The scopes with counters that are still to be compared.
    open: BTreeMap<Scope, Open>,
    /// The scopes for which the log is incomplete.
    untold: BTreeSet<Scope>,
    /// What could not be read.
    aside: PutAside,
    /// What is not known for that reason.
    obscure: Obscure,
    /// Everybody who was met.
    people: BTreeSet<PersonId>,
    /// Customers that are still to be compared; all in the first round.
    suspects: Option<BTreeSet<PersonId>>,
}

/// The data that is read before the log.
struct Before {
    revisions: BTreeMap<Scope, BTreeMap<Period, u64>>,
    versions: BTreeMap<PersonId, u64>,
}

impl<'a> RecountJob<'a> {
    fn new(store: &'a Store, company: Company, report: RecountReport) -> Self {
        let (scopes, open, untold) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        let (aside, obscure, people) = (PutAside::default(), Obscure::default(), BTreeSet::new());
        let mut job = Self { store, company, report, scopes, open, untold, aside, obscure, people, suspects: None };
        job.meet([Scope::Company]);
        job
    }

    fn meet(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        for scope in scopes {
            if self.scopes.insert(scope) {
                self.open.insert(scope, Open::All);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.open.is_empty() && self.suspects.as_ref().is_some_and(BTreeSet::is_empty)
    }

    async fn round(&mut self) -> Result<(), Failure> {
        self.obscure = Obscure::default();
        // The company before its cards: events of a card that is created in between are not yet in
        // the company's counters.
        let mut before = Before { revisions: BTreeMap::new(), versions: self.versions().await? };
        self.read_revisions(&mut before).await?;
        let met = self.aside.met();
        let cards = self.store.every_card(self.company, &mut self.aside).await?;
        self.obscure.cards = self.aside.met() > met;
        self.meet(cards.iter().map(|card| Scope::Card(*card)));
        self.read_revisions(&mut before).await?;
        let waiting = self.pending_deltas().await?;
        let mut recount = self.read_log(&cards).await?;
        self.read_records(&mut recount).await?;
        let merges = self.merges().await?;
        self.recall(&mut recount, &merges).await?;
        let groups = groups(&merges);
        (self.report.events, self.report.people) = (recount.events(), len(recount.people().count()));
        Box::pin(self.compare_customers(&mut recount, &groups, &before.versions)).await?;
        recount.unite(&groups);
        let mut moving = BTreeSet::new();
        for chunk in self.pending_deltas().await? {
            if waiting.contains(&chunk) {
                recount.defer(&chunk.deltas());
            } else {
                // The events of the chunk may or may not be in the log that was read.
                moving.extend(chunk.deltas().periods());
            }
        }
        self.meet(recount.scopes());
        self.compare_counters(&recount, &before.revisions, &moving).await
    }

    /// The scopes that are still to be compared and were not read yet.
    async fn read_revisions(&mut self, before: &mut Before) -> Result<(), Failure> {
        for scope in self.open.keys() {
            if !before.revisions.contains_key(scope) {
                let counters = self.store.readable_counters(self.company, *scope, &mut self.aside).await?;
                let counters = counters.unwrap_or_default();
                let revisions = counters.into_iter().map(|(period, counted)| (period, counted.revision)).collect();
                before.revisions.insert(*scope, revisions);
            }
        }
        Ok(())
    }

    /// The versions of the suspects.
    async fn versions(&self) -> Result<BTreeMap<PersonId, u64>, Failure> {
        let suspects: Vec<_> = self.suspects.iter().flatten().copied().collect();
        let mut versions = BTreeMap::new();
        for suspects in suspects.chunks(CUSTOMERS) {
            let mut customers = self.store.customers(self.company, suspects).await?;
            for person in suspects {
                let version = match customers.remove(person) {
                    Some(customer) => customer.map(|customer| customer.version),
                    None => Ok(0),
                };
                versions.extend(version.ok().map(|version| (*person, version)));
            }
        }
        Ok(versions)
    }

    async fn read_log(&mut self, cards: &[CardId]) -> Result<Recount, Failure> {
        let mut recount = Recount::default();
        let add = |segment: &Segment| recount.add(segment);
        self.obscure.segments = replay(self.store, self.company, cards, &mut self.aside, add).await?;
        Ok(recount)
    }

    /// Counts what the records of customers show: follow-ups, and who was added.
    async fn read_records(&mut self, recount: &mut Recount) -> Result<(), Failure> {
        let met = self.aside.met();
        let add = |person, record: &CustomerRecord| recount.add_record(person, record);
        self.store.every_customer_record(self.company, &mut self.aside, add).await?;
        self.obscure.records |= self.aside.met() > met;
        Ok(())
    }

    async fn pending_deltas(&mut self) -> Result<Vec<PendingDeltas>, Failure> {
        let met = self.aside.met();
        let waiting = self.store.pending_deltas(self.company, &mut self.aside).await?;
        self.obscure.waiting |= self.aside.met() > met;
        Ok(waiting)
    }

    async fn merges(&mut self) -> Result<Vec<Merge>, Failure> {
        let met = self.aside.met();
        let merges = self.store.every_merge(self.company, &mut self.aside).await?;
        self.obscure.merges |= self.aside.met() > met;
        Ok(merges)
    }

    /// Takes the past of people who have logged in since as it is stored, where the log has
    /// forgotten it.
    async fn recall(&self, recount: &mut Recount, merges: &[Merge]) -> Result<(), Failure> {
        let since = whole_since(Day::of(self.report.at));
        let old = merges.iter().filter(|merge| Day::of(merge.at) < since);
        let old: Vec<_> = BTreeSet::from_iter(old.flat_map(|merge| [merge.edge.a, merge.edge.b])).into_iter().collect();
        for persons in old.chunks(CUSTOMERS) {
            for (person, stored) in self.store.customers(self.company, persons).await? {
                if let Ok(stored) = stored
                    && stored.state.is_partly_forgotten(since)
                {
                    recount.recall(person, &stored.state);
                }
            }
        }
        Ok(())
    }

    /// Compares the customers that are still to be compared, and takes of each what the log does not
    /// show. A customer may have been written after their events were read: suspects are checked in
    /// the next round, if their version has not changed since before the log was read.
    async fn compare_customers(
        &mut self,
        recount: &mut Recount,
        groups: &[Group],
        versions: &BTreeMap<PersonId, u64>,
    ) -> Result<(), Failure> {
        let members = groups.iter().flat_map(|group| group.members().into_iter().map(move |person| (person, group)));
        let group_of: BTreeMap<_, _> = members.collect();
        let everybody: BTreeSet<_> = recount.people().chain(group_of.keys().copied()).collect();
        self.people.extend(&everybody);
        let (open, mut suspects) = (self.suspects.take(), BTreeSet::new());
        for persons in Vec::from_iter(everybody).chunks(CUSTOMERS) {
            let mut customers = self.store.customers(self.company, persons).await?;
            for person in persons {
                let stored = customers.remove(person).unwrap_or_else(|| Ok(Customer::default()));
                let stored = self.aside.customer(self.company, *person, stored)?;
                self.obscure.customers |= stored.is_none();
                if let Some(stored) = &stored {
                    recount.record(*person, stored);
                }
                if open.as_ref().is_some_and(|open| !open.contains(person)) {
                    continue;
                }
                let right = recount.customer(*person).filter(|right| !self.obscure.has_person(*person, right));
                let (Some(stored), Some(state)) = (stored, right) else {
                    self.report.unchecked_customers += 1;
                    continue;
                };
                let group = group_of.get(person).copied().cloned().unwrap_or_default();
                if !self.compare_customer(*person, stored, (state, group), versions).await? {
                    suspects.insert(*person);
                }
            }
        }
        self.suspects = Some(suspects);
        Ok(())
    }

    /// Returns whether a customer is right now.
    async fn compare_customer(
        &mut self,
        person: PersonId,
        stored: Customer,
        (state, group): (CustomerState, Group),
        versions: &BTreeMap<PersonId, u64>,
    ) -> Result<bool, Failure> {
        let is_right = stored.state == state && stored.links.group == group;
        if is_right || stored.state.is_partly_forgotten(whole_since(Day::of(self.report.at))) {
            return Ok(true);
        }
        let judged = versions.get(&person) == Some(&stored.version);
        let right = Customer { state, links: IdentityLinks { group, ..stored.links }, ..stored };
        let settled = judged && self.settle_customer(person, &right).await?;
        self.report.customers += u64::from(settled);
        Ok(settled)
    }

    async fn settle_customer(&self, person: PersonId, right: &Customer) -> Result<bool, Failure> {
        if !self.report.repaired {
            return Ok(true);
        }
        done(self.store.repair_customer(self.company, person, right).await)
    }

    async fn compare_counters(
        &mut self,
        recount: &Recount,
        revisions: &BTreeMap<Scope, BTreeMap<Period, u64>>,
        moving: &BTreeSet<(Scope, Period)>,
    ) -> Result<(), Failure> {
        for (scope, open) in std::mem::take(&mut self.open) {
            let Some(revisions) = revisions.get(&scope) else {
                // First seen in the log.
                self.open.insert(scope, open);
                continue;
            };
            let Some(stored) = self.store.readable_counters(self.company, scope, &mut self.aside).await? else {
                self.report.unchecked_counters += 1;
                self.untold.insert(scope);
                continue;
            };
            let Some(expected) = recount.counters(scope).filter(|_| !self.obscure.has_scope(scope)) else {
                self.report.unchecked_counters += len(stored.len());
                self.untold.insert(scope);
                continue;
            };
            let counts = stored.iter().map(|(period, counted)| (*period, counted.counts.clone())).collect();
            let expected = with_forgotten(expected, &counts, whole_since(Day::of(self.report.at)));
            let (mut left, none, nothing) = (BTreeSet::new(), Counted::default(), Counts::new());
            let periods: BTreeSet<_> = stored.keys().chain(expected.keys()).copied().collect();
            for period in periods.into_iter().filter(|period| open.has(*period)) {
                let stored = stored.get(&period).unwrap_or(&none);
                let expected = expected.get(&period).unwrap_or(&nothing);
                let untouched = revisions.get(&period).copied().unwrap_or_default() == stored.revision;
                let still = untouched && !moving.contains(&(scope, period));
                if !still || !self.settle_counters(scope, period, stored, expected).await? {
                    left.insert(period);
                }
            }
            if !left.is_empty() {
                self.open.insert(scope, Open::Some(left));
            }
        }
        Ok(())
    }

    async fn settle_counters(
        &mut self,
        scope: Scope,
        period: Period,
        stored: &Counted,
        expected: &Counts,
    ) -> Result<bool, Failure> {
        let mut missing = correction(expected, &stored.counts);
        missing.retain(|counter, _| !self.obscure.has_counter(*counter));
        if !missing.is_empty() && self.report.repaired {
            let place = (scope, period);
            if !done(self.store.repair_counters(self.company, place, &missing, stored.revision).await)? {
                return Ok(false);
            }
        }
        self.report.compared(scope, period, &stored.counts, &missing);
        Ok(true)
    }

    /// Reports what could not be checked, and records the recount at each fully checked scope.
    async fn end(mut self) -> Result<(RecountReport, PutAside, usize), Failure> {
        for open in self.open.values() {
            // A scope that was first seen in the last round has at least one set of counters.
            self.report.unchecked_counters += match open {
                Open::All => 1,
                Open::Some(periods) => len(periods.len()),
            };
        }
        self.report.unchecked_customers += len(self.suspects.map_or(0, |suspects| suspects.len()));
        for scope in &self.scopes {
            if self.report.repaired && !self.open.contains_key(scope) && !self.untold.contains(scope) {
                // A concurrent writer there must not fail the report.
                done(self.store.note_checked(self.company, *scope, self.report.at).await)?;
            }
        }
        let mut listed = 0;
        if self.report.repaired {
            let (people, today) = (std::mem::take(&mut self.people), Day::of(self.report.at));
            listed = customer_list::refresh(self.store, self.company, people, today, &mut self.aside).await?;
            self.store.mark_aside(self.company, &self.aside, self.report.at).await?;
        }
        Ok((self.report.ended(), self.aside, listed))
    }
}

/// Whether the item was written; `false` if another writer has changed it since.
fn done(written: Result<(), Failure>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(Failure::Busy) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn len(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
