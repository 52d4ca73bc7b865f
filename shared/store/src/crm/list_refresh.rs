//! Bringing rows of the list up to date with what is known of their persons.

use std::collections::{BTreeMap, BTreeSet};

use domain::close_rate::model::Model;
use domain::company::Company;
use domain::crm::identities::Identities;
use domain::crm::list_kind::{CustomerListKind, KindCounts};
use domain::crm::listed::{Listed, ListedRow};
use domain::crm::member_directory::MemberDirectory;
use domain::crm::record::{KnownCustomer, Records};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use runtime::retry::Policy;

use crate::crm::customer::customer_of_item;
use crate::crm::list::{CountChanges, count_shard, counts_of, row_of, take_listed};
use crate::crm::member_directory::directory_of;
use crate::crm::record::record_of;
use crate::table::aside::PutAside;
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::item::Item;
use crate::table::kinds::{CUSTOMER, CUSTOMER_RECORD, CUSTOMER_ROW};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Persons who are read together: customer, record and row of each, the model, the head of the blocks
/// and the directory of members.
const TOGETHER: usize = (KEYS_MAX - 3) / 3;
/// Actions of a transaction, beside those of one more person and the numbers.
const ACTIONS: usize = 60;

/// What was read of some persons and all of their identities.
#[derive(Debug, Default)]
struct KnownPeople {
    identities: Identities,
    records: Records,
    rows: BTreeMap<PersonId, ListedRow>,
    model: Option<Model>,
    has_blocks: bool,
    directory: MemberDirectory,
    asked: BTreeSet<PersonId>,
    /// Those of whom something cannot be read: their rows stay as they are.
    unreadable: BTreeSet<PersonId>,
}

impl KnownPeople {
    /// The identities of each person, once.
    fn people(&self) -> BTreeSet<BTreeSet<PersonId>> {
        let group = |person: &PersonId| {
            let mut group = self.identities.get(person).map(|one| one.links.group.members()).unwrap_or_default();
            group.insert(*person);
            group
        };
        let people = self.asked.iter().map(group);
        people.filter(|people| people.is_disjoint(&self.unreadable)).collect()
    }

    fn customer(&self, identities: &BTreeSet<PersonId>) -> KnownCustomer {
        fn some<T: Clone>(all: &BTreeMap<PersonId, T>, of: &BTreeSet<PersonId>) -> BTreeMap<PersonId, T> {
            of.iter().filter_map(|person| Some((*person, all.get(person)?.clone()))).collect()
        }
        let (rows, model) = (some(&self.rows, identities), self.model.clone().unwrap_or_default());
        let listed = Listed { rows, model, has_blocks: self.has_blocks };
        let (records, identities) = (some(&self.records, identities), some(&self.identities, identities));
        KnownCustomer { identities, records, listed, directory: self.directory.clone() }
    }
}

impl Store {
    /// Writes the rows of these persons as they are known by now, and deletes those of persons who are no
    /// customers any more, or another one's identity. What cannot be read is put aside. Returns how many
    /// rows were wrong.
    ///
    /// # Errors
    /// [`Failure::Busy`] while others write the same rows, and those of the table.
    pub async fn refresh_list(
        &self,
        company: Company,
        persons: &BTreeSet<PersonId>,
        today: Day,
        aside: &mut PutAside,
    ) -> Result<usize, Failure> {
        let (persons, mut wrong) = (Vec::from_iter(persons.iter().copied()), 0);
        for some in persons.chunks(TOGETHER) {
            match self.try_to_refresh(company, some, today, aside).await {
                Err(Failure::Busy) => {
                    for person in some {
                        wrong += self.refresh_one(company, *person, today, aside).await?;
                    }
                }
                refreshed => wrong += refreshed?,
            }
        }
        Ok(wrong)
    }

    async fn refresh_one(
        &self,
        company: Company,
        person: PersonId,
        today: Day,
        aside: &mut PutAside,
    ) -> Result<usize, Failure> {
        let refreshed = self.retry.run_with(Policy::CONTENTION, aside, |aside| async move {
            let done = self.try_to_refresh(company, &[person], today, aside).await;
            done.map_err(|failure| (aside, failure))
        });
        refreshed.await.map_err(|(_, failure)| failure)
    }

    async fn try_to_refresh(
        &self,
        company: Company,
        persons: &[PersonId],
        today: Day,
        aside: &mut PutAside,
    ) -> Result<usize, Failure> {
        let known = self.known(company, persons, aside).await?;
        let mut wrong = 0;
        let mut transaction = Transaction::default();
        let mut counts = CountChanges::default();
        for identities in known.people() {
            let customer = known.customer(&identities);
            if customer.listed.is_ahead_of(&customer) {
                return Err(Failure::Busy);
            }
            let update = customer.listed.update(&customer, today);
            if update.puts.is_empty() && update.removed.is_empty() {
                continue;
            }
            wrong += 1;
            self.add_rows(&mut transaction, company, &update, &mut counts)?;
            if transaction.len() >= ACTIONS {
                self.commit_rows(company, std::mem::take(&mut transaction), std::mem::take(&mut counts)).await?;
            }
        }
        self.commit_rows(company, transaction, counts).await?;
        Ok(wrong)
    }

    async fn commit_rows(
        &self,
        company: Company,
        mut transaction: Transaction,
        counts: CountChanges,
    ) -> Result<(), Failure> {
        counts.add_to(&mut transaction, &self.table, company);
        if transaction.len() == 0 {
            return Ok(());
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// What is known of these persons and all of their identities, as of the last write.
    async fn known(
        &self,
        company: Company,
        persons: &[PersonId],
        aside: &mut PutAside,
    ) -> Result<KnownPeople, Failure> {
        let mut known = KnownPeople { asked: persons.iter().copied().collect(), ..KnownPeople::default() };
        let wanted = known.asked.clone();
        self.read_into(&mut known, company, &wanted, aside).await?;
        let groups = known.identities.values().flat_map(|customer| customer.links.group.members());
        let others: BTreeSet<_> = groups.filter(|other| !wanted.contains(other)).collect();
        for some in Vec::from_iter(others).chunks(TOGETHER) {
            self.read_into(&mut known, company, &some.iter().copied().collect(), aside).await?;
        }
        Ok(known)
    }

    async fn read_into(
        &self,
        known: &mut KnownPeople,
        company: Company,
        persons: &BTreeSet<PersonId>,
        aside: &mut PutAside,
    ) -> Result<(), Failure> {
        let mut wanted: Vec<_> = persons.iter().map(|person| keys::customer_row(company, *person)).collect();
        wanted.extend(persons.iter().map(|person| keys::customer(company, *person)));
        wanted.extend(persons.iter().map(|person| keys::customer_record(company, *person)));
        let directory = keys::member_directory(company);
        let of_list = [keys::close_rate_model(company), keys::list_head(company), directory.clone()];
        wanted.extend(of_list.into_iter().filter(|_| known.model.is_none()));
        let mut listed = Listed::default();
        for item in self.batch_get(company, &wanted, ReadMode::Consistent).await? {
            let Some(item) = take_listed(item, &mut listed)? else { continue };
            if keys::Key::of(&item).as_ref() == Some(&directory) {
                known.directory = directory_of(Some(item))?;
            } else {
                known.take(item, aside)?;
            }
        }
        known.rows.append(&mut listed.rows);
        known.model.get_or_insert(listed.model);
        known.has_blocks |= listed.has_blocks;
        Ok(())
    }
}

/// What a company's rows add up to, and the numbers as they are stored, by the item that has them.
type ListNumbers = BTreeMap<u8, BTreeMap<CustomerListKind, i64>>;

impl Store {
    /// The persons who have a row.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn listed_persons(&self, company: Company) -> Result<BTreeSet<PersonId>, Failure> {
        let items = self.all_latest(&keys::customer_list(company)).await?;
        let persons = items.iter().filter(|item| CUSTOMER_ROW.is_of(item));
        Ok(persons.filter_map(|item| keys::customer_row_of(&keys::Key::of(item)?)).collect())
    }

    /// Corrects the numbers that are not those of the rows. What changes meanwhile is left to the next time.
    /// Returns how many items of numbers were wrong.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn recount_list(&self, company: Company) -> Result<usize, Failure> {
        let before = self.list_numbers(company).await?;
        let mut counted: ListNumbers = (0..keys::COUNT_SHARDS).map(|shard| (shard, BTreeMap::new())).collect();
        for item in self.all_latest(&keys::customer_list(company)).await? {
            let Some(person) = keys::Key::of(&item).and_then(|key| keys::customer_row_of(&key)) else { continue };
            let shard = counted.entry(count_shard(person)).or_default();
            for kind in row_of(&item).iter().flat_map(KindCounts::kinds_of) {
                *shard.entry(kind).or_default() += 1;
            }
        }
        let after = self.list_numbers(company).await?;
        let mut wrong = 0;
        for (shard, counts) in counted {
            let stored = before.get(&shard).cloned().unwrap_or_default();
            let is_still = after.get(&shard).cloned().unwrap_or_default() == stored;
            let is_right = CustomerListKind::ALL
                .iter()
                .all(|kind| counts.get(kind).unwrap_or(&0) == stored.get(kind).unwrap_or(&0));
            if is_still && !is_right {
                wrong += usize::from(self.set_list_numbers(company, shard, &counts, &stored).await?);
            }
        }
        Ok(wrong)
    }

    async fn list_numbers(&self, company: Company) -> Result<ListNumbers, Failure> {
        let shards: BTreeMap<_, _> =
            (0..keys::COUNT_SHARDS).map(|shard| (keys::list_counts(company, shard), shard)).collect();
        let items = self.batch_get(company, &Vec::from_iter(shards.keys().cloned()), ReadMode::Consistent).await?;
        let numbers = |item: &Item| Some((*shards.get(&keys::Key::of(item)?)?, counts_of(item).unwrap_or_default()));
        Ok(items.iter().filter_map(numbers).collect())
    }
}

impl KnownPeople {
    /// A customer or a record.
    fn take(&mut self, item: Item, aside: &mut PutAside) -> Result<(), Failure> {
        let key = keys::Key::of(&item).ok_or_else(|| CUSTOMER.corrupt("key"))?;
        if CUSTOMER_RECORD.is_of(&item) {
            match aside.read(item, record_of)? {
                Some((person, record)) => drop(self.records.insert(person, record)),
                None => self.unreadable.extend(keys::customer_record_of(&key)),
            }
        } else {
            match aside.read(item, customer_of_item)? {
                Some((person, customer)) => drop(self.identities.insert(person, customer)),
                None => self.unreadable.extend(keys::customer_of(&key)),
            }
        }
        Ok(())
    }
}
