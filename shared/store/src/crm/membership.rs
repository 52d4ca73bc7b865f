//! Who is a member, in the states of customers: members are no customers.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::Company;
use domain::crm::identities::Identities;
use domain::crm::membership::change_membership;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{Id, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::Scope;
use runtime::retry::Policy;
use uuid::Uuid;

use crate::crm::customer::{check_customer, put_customer};
use crate::radar::counter::add_counts;
use crate::radar::pending_deltas::split;
use crate::table::aside::PutAside;
use crate::table::batch_get::ReadMode;
use crate::table::item::Item;
use crate::table::kinds::STAFF;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Name of the attribute with the ids of the persons, 16 bytes each.
const PERSONS: &str = "persons";
/// Most members whose states are followed: 320 kilobytes.
const STAFF_MAX: usize = 20_000;

const _: () = assert!(STAFF_MAX * 16 < 390_000);

/// The people of each list who were changed.
type Changed = BTreeMap<Scope, BTreeSet<PersonId>>;

impl Store {
    /// Makes the states of customers say who is a member, with all numbers that depend on it, for at
    /// most `most` who have joined or left since the last time. Returns whether all were followed.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else writes one of them: the next call goes on.
    pub async fn follow_members(
        &self,
        company: Company,
        active: &BTreeSet<PersonId>,
        most: usize,
        now: Timestamp,
        aside: &mut PutAside,
    ) -> Result<bool, Failure> {
        let active: BTreeSet<_> = active.iter().copied().take(STAFF_MAX).collect();
        let key = keys::staff(company);
        let Some(mut followed) = aside.pass(Some(key), self.staff(company).await)? else { return Ok(false) };
        // Who has left goes first: the note never has more than it may.
        let different: Vec<_> = followed.difference(&active).chain(active.difference(&followed)).copied().collect();
        let (mut changed, mut done) = (Changed::new(), Vec::new());
        for person in different.iter().take(most) {
            let member = active.contains(person);
            let Some(known) = self.follow_member(company, *person, member, now, aside).await? else { continue };
            let cards = known.values().flat_map(|part| part.state.cards.keys());
            for scope in cards.map(|card| Scope::Card(*card)).chain([Scope::Company]) {
                changed.entry(scope).or_default().insert(*person);
            }
            done.push(*person);
        }
        // Flags and counters change together; the lists follow, and then the note that it is done.
        // Whoever stops in between does the rest again, and changes nothing twice.
        self.refresh_shortlists(company, &changed, now, aside).await?;
        self.refresh_list(company, &done.iter().copied().collect(), Day::of(now), aside).await?;
        for person in &done {
            if !followed.remove(person) {
                followed.insert(*person);
            }
        }
        if !done.is_empty() {
            self.set_staff(company, &followed).await?;
        }
        Ok(followed == active)
    }

    /// Reads a person and writes whether they are a member, again while the aggregator counts them;
    /// nothing when one of their identities is put aside.
    async fn follow_member(
        &self,
        company: Company,
        person: PersonId,
        member: bool,
        now: Timestamp,
        aside: &mut PutAside,
    ) -> Result<Option<Identities>, Failure> {
        let followed = self.retry.run_with(Policy::CONTENTION, aside, |aside| async move {
            let done = self.try_follow(company, person, member, now, aside).await;
            done.map_err(|failure| (aside, failure))
        });
        followed.await.map_err(|(_, failure)| failure)
    }

    async fn try_follow(
        &self,
        company: Company,
        person: PersonId,
        member: bool,
        now: Timestamp,
        aside: &mut PutAside,
    ) -> Result<Option<Identities>, Failure> {
        let Some(known) = self.readable_identities(company, person, aside).await? else { return Ok(None) };
        self.write_membership(company, person, &known, member, now).await?;
        Ok(Some(known))
    }

    async fn write_membership(
        &self,
        company: Company,
        person: PersonId,
        known: &Identities,
        member: bool,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(change) = change_membership(known, person, member) else { return Ok(()) };
        let mut transaction = Transaction::default();
        put_customer(&mut transaction, &self.table, company, person, &change.customer)?;
        for (other, version) in &change.unchanged {
            check_customer(&mut transaction, &self.table, company, *other, *version);
        }
        // The version makes the chunks of each change others.
        let left_by = Uuid::from_u128(person.uuid().as_u128() ^ u128::from(change.customer.version));
        let (at_once, later) = split(company, &change.deltas, left_by);
        for (scope, period, counts) in &at_once {
            add_counts(&mut transaction, &self.table, company, *scope, *period, counts);
        }
        for chunk in &later {
            transaction.create(&self.table, chunk.item(now)?, Failure::Busy);
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// A person with all identities, unless one of them is put aside.
    async fn readable_identities(
        &self,
        company: Company,
        person: PersonId,
        aside: &mut PutAside,
    ) -> Result<Option<Identities>, Failure> {
        let (mut known, mut all) = (Identities::new(), true);
        for (identity, customer) in self.customers(company, &[person]).await? {
            match aside.customer(company, identity, customer)? {
                Some(customer) => drop(known.insert(identity, customer)),
                None => all = false,
            }
        }
        Ok(all.then_some(known))
    }

    /// The persons whose states say that they are members.
    async fn staff(&self, company: Company) -> Result<BTreeSet<PersonId>, Failure> {
        let found = self.batch_get(company, &[keys::staff(company)], ReadMode::Consistent).await?;
        let Some(item) = found.into_iter().next() else { return Ok(BTreeSet::new()) };
        STAFF.check(&item)?;
        let persons = item.get(PERSONS).and_then(|persons| persons.as_b().ok());
        let (persons, rest) = persons.ok_or_else(|| STAFF.corrupt(PERSONS))?.as_ref().as_chunks::<16>();
        if !rest.is_empty() {
            return Err(STAFF.corrupt("a person is cut off"));
        }
        Ok(persons.iter().map(|person| PersonId::from_uuid(Uuid::from_bytes(*person))).collect())
    }

    async fn set_staff(&self, company: Company, persons: &BTreeSet<PersonId>) -> Result<(), Failure> {
        let persons: Vec<u8> = persons.iter().flat_map(|person| person.uuid().into_bytes()).collect();
        let mut item: Item = STAFF.item(keys::staff(company));
        item.insert(PERSONS.to_owned(), AttributeValue::B(Blob::new(persons)));
        let mut transaction = Transaction::default();
        transaction.replace(&self.table, item);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
