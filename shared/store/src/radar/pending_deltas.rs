//! Changes of counters that did not fit into the transaction they belong to: of a merge, or of
//! late events deep in the departments. That transaction stores them, and each chunk is counted
//! once, in the transaction that ends it.

use domain::company::Company;
use domain::crm::merge::CHANGES_MAX;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DepartmentId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::{ACTIONS_MAX, CHUNK_MAX};
use domain::radar::counter::{Counter, CounterDeltas, Counts, Period, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::{DueList, Key};
use crate::radar::counter::add_counts;
use crate::table::aside::PutAside;
use crate::table::due::Due;
use crate::table::item::{Item, number};
use crate::table::kinds::PENDING_DELTAS;
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Changes that go into the transaction itself.
const AT_ONCE: usize = 40;
// With the two items of a merge and ten identities they fit into one transaction.
const _: () = assert!(12 + AT_ONCE + (CHANGES_MAX - AT_ONCE).div_ceil(CHUNK_MAX) <= ACTIONS_MAX);

/// The changes of one scope and period.
type ScopeDelta = (Scope, Period, Counts);

/// A chunk of changes that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDeltas {
    company: Company,
    key: Key,
    chunk: usize,
    changes: Vec<ScopeDelta>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PendingItem {
    chunk: usize,
    /// JSON of [`StoredChange`]s: an opaque text here.
    changes: String,
}

/// Without card and department it is the company, without a day the lifetime.
#[derive(Debug, Serialize, Deserialize)]
struct StoredChange {
    #[serde(default, rename = "c", skip_serializing_if = "Option::is_none")]
    card: Option<CardId>,
    #[serde(default, rename = "p", skip_serializing_if = "Option::is_none")]
    department: Option<DepartmentId>,
    #[serde(default, rename = "d", skip_serializing_if = "Option::is_none")]
    day: Option<i32>,
    #[serde(rename = "n")]
    counts: Vec<(String, i64)>,
}

/// The changes to count at once, and the chunks that wait.
pub(crate) fn split(company: Company, deltas: &CounterDeltas, left_by: Uuid) -> (Vec<ScopeDelta>, Vec<PendingDeltas>) {
    let mut at_once: Vec<_> = deltas.changes().collect();
    let later = at_once.split_off(at_once.len().min(AT_ONCE));
    (at_once, chunks(company, &later, left_by))
}

/// The chunks in which changes wait.
pub(crate) fn chunks(company: Company, later: &[ScopeDelta], left_by: Uuid) -> Vec<PendingDeltas> {
    let chunk = |(chunk, changes): (usize, &[ScopeDelta])| PendingDeltas {
        company,
        key: keys::pending_deltas(company, left_by, chunk),
        chunk,
        changes: changes.to_vec(),
    };
    later.chunks(CHUNK_MAX).enumerate().map(chunk).collect()
}

impl PendingDeltas {
    /// Its item, which housekeeping finds from `due` on.
    pub(crate) fn item(&self, due: Timestamp) -> Result<Item, Failure> {
        let changes: Vec<_> = self.changes.iter().map(StoredChange::of).collect();
        let changes = serde_json::to_string(&changes).map_err(|error| PENDING_DELTAS.corrupt(error))?;
        let mut item = PENDING_DELTAS.encode(&self.key, &PendingItem { chunk: self.chunk, changes })?;
        DueList::PendingDeltas.put(&mut item, self.company, &self.key, due);
        Ok(item)
    }

    fn read(company: Company, item: Item) -> Result<Self, Failure> {
        let key = Key::of(&item).ok_or_else(|| PENDING_DELTAS.corrupt("key"))?;
        let PendingItem { chunk, changes } = PENDING_DELTAS.decode(item)?;
        let changes: Vec<StoredChange> =
            serde_json::from_str(&changes).map_err(|error| PENDING_DELTAS.corrupt(error))?;
        let mut deltas = CounterDeltas::default();
        changes
            .into_iter()
            .try_for_each(|change| change.add_to(&mut deltas))
            .ok_or_else(|| PENDING_DELTAS.corrupt("counter"))?;
        Ok(Self { company, key, chunk, changes: deltas.changes().collect() })
    }
}

impl StoredChange {
    fn of((scope, period, counts): &ScopeDelta) -> Self {
        Self {
            card: match scope {
                Scope::Card(card) => Some(*card),
                Scope::Company | Scope::Department(_) => None,
            },
            department: match scope {
                Scope::Department(department) => Some(*department),
                Scope::Company | Scope::Card(_) => None,
            },
            day: match period {
                Period::Day(day) => Some(day.number()),
                Period::Lifetime => None,
            },
            counts: counts.iter().map(|(counter, by)| (counter.code().to_owned(), *by)).collect(),
        }
    }

    /// `None` when a counter is not known.
    fn add_to(self, deltas: &mut CounterDeltas) -> Option<()> {
        let day = self.day.map(Day::from_number);
        let period = day.map_or(Period::Lifetime, Period::Day);
        let scope = self.card.map(Scope::Card).or(self.department.map(Scope::Department)).unwrap_or(Scope::Company);
        for (code, by) in self.counts {
            if let Some(counter) = Counter::from_code(&code) {
                deltas.add(scope, period, counter, by);
            } else {
                let (gap, counter) = Counter::gap_before(&code)?;
                deltas.add(scope, Period::Day(day?.plus(i32::from(gap))), counter, by);
            }
        }
        Some(())
    }
}

impl PendingDeltas {
    /// Its changes.
    pub fn deltas(&self) -> CounterDeltas {
        let mut deltas = CounterDeltas::default();
        for (scope, period, counts) in &self.changes {
            counts.iter().for_each(|(counter, by)| deltas.add(*scope, *period, *counter, *by));
        }
        deltas
    }
}

impl Store {
    /// The chunks of a company that wait, as of the last write, but for those that are put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn pending_deltas(&self, company: Company, aside: &mut PutAside) -> Result<Vec<PendingDeltas>, Failure> {
        let items = self.all_latest(&keys::pending_deltas_of_company(company)).await?;
        aside.read_all(items, |item| PendingDeltas::read(company, item))
    }

    /// Counts a chunk and ends it, unless somebody else has done so.
    ///
    /// # Errors
    /// [`Failure::Busy`] and the like; housekeeping comes back to it.
    pub async fn count_pending(&self, pending: &PendingDeltas) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        let chunk = Item::from([(":chunk".to_owned(), number(pending.chunk))]);
        transaction.delete(&self.table, &pending.key, "chunk = :chunk", chunk, Failure::NotFound);
        for (scope, period, counts) in &pending.changes {
            add_counts(&mut transaction, &self.table, pending.company, *scope, *period, counts);
        }
        match self.commit(pending.company, transaction).await {
            Ok(()) | Err(Cancelled::Conditions(_)) => Ok(()),
            Err(Cancelled::Store(failure)) => Err(failure),
        }
    }

    /// Counts the chunks that wait, of all companies.
    pub async fn sweep_pending_deltas(&self, limits: &SweepLimits) -> Sweep {
        let read = |due: Due| PendingDeltas::read(due.company, due.item);
        let count = |pending: PendingDeltas| async move { self.count_pending(&pending).await };
        self.sweep_each(DueList::PendingDeltas, limits, read, count).await
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::id::{CompanyId, Id};
    use domain::radar::counter::Audience;

    use super::*;
    use crate::table::item::Kind;

    #[test]
    fn a_gap_of_layout_2_is_counted_at_its_later_day() {
        let company = Company::granted(CompanyId::from_uuid(Uuid::nil()));
        let changes = r#"[{"d":20770,"n":[["v",1],["v5",-1]]},{"d":20775,"n":[["v",2]]}]"#.to_owned();
        let key = keys::pending_deltas(company, Uuid::nil(), 0);
        let item = Kind { layout: 2, ..PENDING_DELTAS }.encode(&key, &PendingItem { chunk: 0, changes }).unwrap();
        let visitors = Counter::People(Audience::Visitors);
        let expected = [
            (20_770, Counts::from([(visitors, 1)])),
            (20_775, Counts::from([(visitors, 2), (Counter::Gap(Audience::Visitors, 5), -1)])),
        ];
        let expected = expected.map(|(day, counts)| (Scope::Company, Period::Day(Day::from_number(day)), counts));
        assert_eq!(PendingDeltas::read(company, item).unwrap().changes, expected);
    }
}
