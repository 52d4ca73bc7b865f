//! Sweeps: schedules do what is due, the longest waiting first.
//!
//! Whatever fails is counted, logged and passed: at first to the end of the list, then for a time
//! that doubles with each failure in a row. So it takes little of the next sweeps, and hides nothing
//! that waits behind it; once its cause is mended, it is done like all others.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use runtime::clock::Clock;

use crate::keys::{DueList, EXPIRY_ATTRIBUTES, Key};
use crate::table::due::{Due, DueShards, place_of};
use crate::table::item::{DUE_FAILURES, Item, number, text};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Items of a shard that are read at once.
const PAGE: u32 = 100;
/// Most failures in one sweep: more of them need a person, and the time that is left is for other
/// lists.
const FAILURES_MAX: usize = 500;
/// How long something is postponed that has failed twice in a row; each further failure doubles it.
const POSTPONED_MS: i64 = 600 * SECOND_MS;
/// The longest postponement.
const POSTPONED_MS_MAX: i64 = DAY_MS;

/// How much a sweep does.
#[derive(Debug, Clone)]
pub struct SweepLimits {
    /// Most things that are done; failures do not count.
    pub items: u32,
    /// Returns the time.
    pub clock: Clock,
    /// No work begins later.
    pub last_start: Timestamp,
}

/// The result of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Sweep {
    /// Things that were done. What another caller is working on is not counted.
    pub done: usize,
    /// Things that failed, and were postponed.
    pub failed: usize,
    /// The first failure, of a thing or of reading the list.
    pub failure: Option<Failure>,
}

impl Sweep {
    /// The number of things that were done.
    ///
    /// # Errors
    /// The first failure.
    pub fn result(self) -> Result<usize, Failure> {
        self.failure.map_or(Ok(self.done), Err)
    }
}

/// How the things of a list are done.
#[derive(Debug, Clone, Copy)]
struct Plan {
    list: DueList,
    /// Most things of a company that are done together.
    together: usize,
    /// For long work: how long something is reserved for the call that begins it.
    lease_ms: Option<i64>,
}

/// Where something waited when it was found, and how often it has failed in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Turn {
    key: Key,
    place: String,
    failures: u32,
}

impl Turn {
    fn of(item: &Item) -> Option<Self> {
        let failures = item.get(DUE_FAILURES).and_then(|failures| failures.as_n().ok()?.parse().ok());
        Some(Self { key: Key::of(item)?, place: place_of(item)?, failures: failures.unwrap_or(0) })
    }

    /// Its next turn, if the present one fails.
    fn next(&self, now: Timestamp, least_ms: i64) -> Self {
        let failures = self.failures.saturating_add(1);
        let at = now.plus_millis(postponement_ms(failures).max(least_ms));
        Self { key: self.key.clone(), place: keys::expiry(at.millis(), &self.key), failures }
    }
}

/// How long something is postponed after this many failures in a row. After the first it is only
/// behind all that is due: the next sweep tries it again.
fn postponement_ms(failures: u32) -> i64 {
    match failures {
        0 | 1 => 0,
        more => POSTPONED_MS.saturating_mul(2_i64.saturating_pow(more - 2)).min(POSTPONED_MS_MAX),
    }
}

/// Something to do.
#[derive(Debug)]
struct DueThing<T> {
    turn: Turn,
    company: Company,
    thing: T,
}

/// What is done together, in the order in which it waits.
fn groups<T>(found: Vec<DueThing<T>>, together: usize) -> Vec<Vec<DueThing<T>>> {
    let mut groups: Vec<Vec<DueThing<T>>> = Vec::new();
    for found in found {
        let fits = |group: &&mut Vec<DueThing<T>>| {
            group.len() < together && group.iter().all(|one| one.company == found.company)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(found),
            None => groups.push(vec![found]),
        }
    }
    groups
}

/// A sweep that goes on.
struct Sweeping<'a> {
    plan: Plan,
    limits: &'a SweepLimits,
    result: Sweep,
    /// Things that were left to another caller.
    busy: usize,
    /// Where things wait that have failed in this sweep.
    passed: BTreeSet<String>,
}

impl Sweeping<'_> {
    /// How many things may be found next.
    fn room(&self) -> u32 {
        if self.result.failed >= FAILURES_MAX || self.is_over() {
            return 0;
        }
        let begun = u32::try_from(self.result.done + self.busy).unwrap_or(u32::MAX);
        self.limits.items.saturating_sub(begun).min(PAGE)
    }

    fn is_over(&self) -> bool {
        self.limits.clock.now() > self.limits.last_start
    }

    fn note(&mut self, failure: &Failure) {
        self.result.failure.get_or_insert_with(|| failure.clone());
    }
}

impl Store {
    /// Does the things of a list one by one.
    pub(crate) async fn sweep_each<T: Clone, F: Future<Output = Result<(), Failure>>>(
        &self,
        list: DueList,
        limits: &SweepLimits,
        read: impl Fn(Due) -> Result<T, Failure>,
        work: impl Fn(T) -> F,
    ) -> Sweep {
        let plan = Plan { list, together: 1, lease_ms: None };
        self.sweep(plan, limits, read, |_, things| in_turn(things, &work)).await
    }

    /// Does the things of a list by groups of at most `together` of a company. Those of a group that
    /// fails are done one by one.
    pub(crate) async fn sweep_groups<T: Clone, F: Future<Output = Result<(), Failure>>>(
        &self,
        list: DueList,
        limits: &SweepLimits,
        together: usize,
        read: impl Fn(Due) -> Result<T, Failure>,
        work: impl Fn(Company, Vec<T>) -> F,
    ) -> Sweep {
        self.sweep(Plan { list, together, lease_ms: None }, limits, read, work).await
    }

    /// Does the long work of companies one by one. Each is reserved for this call for `lease_ms` at
    /// least, and waits for so long when the call is cut short.
    pub(crate) async fn sweep_companies<F: Future<Output = Result<(), Failure>>>(
        &self,
        list: DueList,
        limits: &SweepLimits,
        lease_ms: i64,
        work: impl Fn(Company) -> F,
    ) -> Sweep {
        let plan = Plan { list, together: 1, lease_ms: Some(lease_ms) };
        self.sweep(plan, limits, |due| Ok(due.company), |_, companies| in_turn(companies, &work)).await
    }

    async fn sweep<T: Clone, F: Future<Output = Result<(), Failure>>>(
        &self,
        plan: Plan,
        limits: &SweepLimits,
        read: impl Fn(Due) -> Result<T, Failure>,
        work: impl Fn(Company, Vec<T>) -> F,
    ) -> Sweep {
        let (now, mut shards) = (limits.clock.now(), DueShards::of(plan.list, None));
        let mut sweeping = Sweeping { plan, limits, result: Sweep::default(), busy: 0, passed: BTreeSet::new() };
        loop {
            let items = self.next_due(&mut shards, now, sweeping.room(), limits.items.min(PAGE)).await;
            if items.is_empty() {
                break;
            }
            let found = self.read_due(&mut sweeping, items, &read).await;
            for group in groups(found, plan.together) {
                if sweeping.is_over() {
                    break;
                }
                self.do_group(&mut sweeping, group, &work).await;
            }
        }
        if let Err(failure) = &shards.failed {
            tracing::warn!(list = plan.list.name(), cause = %failure, "a shard of a due list cannot be read");
            sweeping.note(failure);
        }
        sweeping.result
    }

    /// The things in items; those that cannot be read have failed.
    async fn read_due<T>(
        &self,
        sweeping: &mut Sweeping<'_>,
        items: Vec<Item>,
        read: impl Fn(Due) -> Result<T, Failure>,
    ) -> Vec<DueThing<T>> {
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let Some(turn) = Turn::of(&item) else {
                sweeping.result.failed += 1;
                sweeping.note(&Failure::Corrupt("due: place".to_owned()));
                continue;
            };
            if sweeping.passed.contains(&turn.place) {
                continue;
            }
            let found = Due::of(item).and_then(|due| Ok((due.company, read(due)?)));
            match found {
                Ok((company, thing)) => all.push(DueThing { turn, company, thing }),
                Err(failure) => self.fail(sweeping, &turn, failure, false).await,
            }
        }
        all
    }

    async fn do_group<T: Clone, F: Future<Output = Result<(), Failure>>>(
        &self,
        sweeping: &mut Sweeping<'_>,
        group: Vec<DueThing<T>>,
        work: impl Fn(Company, Vec<T>) -> F,
    ) {
        if let [first, _, ..] = &group[..] {
            let things = group.iter().map(|found| found.thing.clone()).collect();
            match work(first.company, things).await {
                Ok(()) => sweeping.result.done += group.len(),
                Err(Failure::Busy) => sweeping.busy += group.len(),
                Err(_) => {
                    for found in group {
                        self.do_one(sweeping, found, &work).await;
                    }
                }
            }
        } else {
            for found in group {
                self.do_one(sweeping, found, &work).await;
            }
        }
    }

    async fn do_one<T, F: Future<Output = Result<(), Failure>>>(
        &self,
        sweeping: &mut Sweeping<'_>,
        DueThing { turn, company, thing }: DueThing<T>,
        work: impl Fn(Company, Vec<T>) -> F,
    ) {
        let mut is_reserved = false;
        if let Some(lease_ms) = sweeping.plan.lease_ms {
            let next = turn.next(sweeping.limits.clock.now(), lease_ms);
            match self.postpone(&turn, &next).await {
                Ok(()) => is_reserved = true,
                Err(Failure::Busy) => return sweeping.busy += 1,
                Err(failure) => return self.fail(sweeping, &turn, failure, false).await,
            }
        }
        match work(company, vec![thing]).await {
            Ok(()) => sweeping.result.done += 1,
            Err(Failure::Busy) if !is_reserved => sweeping.busy += 1,
            Err(failure) => self.fail(sweeping, &turn, failure, is_reserved).await,
        }
    }

    /// Counts and logs a failure, and postpones what has failed unless that is done.
    async fn fail(&self, sweeping: &mut Sweeping<'_>, turn: &Turn, failure: Failure, is_postponed: bool) {
        let Turn { key, failures, .. } = turn;
        let (list, times) = (sweeping.plan.list.name(), failures + 1);
        tracing::warn!(list, pk = key.pk, sk = key.sk, times, cause = %failure, "a due item failed");
        sweeping.result.failed += 1;
        sweeping.note(&failure);
        if is_postponed {
            return;
        }
        let next = turn.next(sweeping.limits.clock.now(), 0);
        match self.postpone(turn, &next).await {
            // Another caller has moved or ended it.
            Ok(()) | Err(Failure::Busy) => {}
            Err(failure) => tracing::warn!(list, cause = %failure, "a due item was not postponed"),
        }
        sweeping.passed.insert(next.place);
    }

    /// Moves something to its next turn.
    ///
    /// # Errors
    /// [`Failure::Busy`] when another caller has moved or ended it.
    async fn postpone(&self, turn: &Turn, next: &Turn) -> Result<(), Failure> {
        let update = Update::builder()
            .update_expression("SET #place = :next, #failures = :failures")
            .condition_expression("#place = :read")
            .expression_attribute_names("#place", EXPIRY_ATTRIBUTES[1])
            .expression_attribute_names("#failures", DUE_FAILURES)
            .expression_attribute_values(":read", text(&turn.place))
            .expression_attribute_values(":next", text(&next.place))
            .expression_attribute_values(":failures", number(next.failures));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &turn.key, update, Failure::Busy);
        self.commit_for_schedule(transaction).await.map_err(Cancelled::into_failure)
    }
}

/// Does things one after the other.
async fn in_turn<T, F: Future<Output = Result<(), Failure>>>(
    things: Vec<T>,
    work: impl Fn(T) -> F,
) -> Result<(), Failure> {
    for thing in things {
        work(thing).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_doubles_the_postponement_up_to_a_day() {
        let minutes = (1..=10).map(|failures| postponement_ms(failures) / (60 * SECOND_MS));
        assert_eq!(minutes.collect::<Vec<_>>(), [0, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440]);
        assert_eq!(postponement_ms(u32::MAX), DAY_MS);
    }
}
