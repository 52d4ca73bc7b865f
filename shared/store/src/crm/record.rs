//! What the company's people keep of customers: an item for each identity.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::crm::record::{CustomerRecord, KnownCustomer, Records};
use domain::crm::timeline::TimelineEntry;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::mobile::Mobile;

use crate::company::department::take;
use crate::crm::customer::customer_of_item;
use crate::crm::list::{keys_to_change, take_listed};
use crate::crm::member_directory::directory_of;
use crate::crm::timeline::add_timeline_entry;
use crate::keys::Key;
use crate::people::phone::{add_phone_holder, granted_number, release_phone};
use crate::table::aside::PutAside;
use crate::table::batch_get::RecordRead;
use crate::table::item::Item;
use crate::table::kinds::CUSTOMER_RECORD;
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// A number that leads to an added identity no more, and the one that does from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedNumber {
    /// The identity.
    pub person: PersonId,
    /// The number of before, if it leads to the identity.
    pub from: Option<Mobile>,
    /// The new number, if there is one that leads to nobody.
    pub to: Option<Mobile>,
}

impl Store {
    /// A person with all identities, and what is kept of each; nothing of somebody unknown. One call,
    /// and one more if the person is in a group.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one of them cannot be read.
    pub async fn known_customer(
        &self,
        company: Company,
        person: PersonId,
        read: RecordRead,
    ) -> Result<KnownCustomer, Failure> {
        Ok(self.known_customer_beside(company, person, read, &[]).await?.0)
    }

    /// The same, and the items of these keys that exist, read in the first call. Read to be changed, the
    /// customer comes with their rows of the list.
    ///
    /// # Errors
    /// [`Failure::Busy`] when a row is of later than what was read: it is to be read again.
    pub(crate) async fn known_customer_beside(
        &self,
        company: Company,
        person: PersonId,
        read: RecordRead,
        beside: &[Key],
    ) -> Result<(KnownCustomer, Vec<Item>), Failure> {
        let mut known = KnownCustomer::default();
        let directory = keys::member_directory(company);
        let of_list = [keys::close_rate_model(company), keys::list_head(company)];
        let of_list = of_list.into_iter().filter(|_| read == RecordRead::ToChange);
        let first: Vec<_> = beside.iter().chain([&directory]).cloned().chain(of_list).collect();
        let mut items = self.read_known(company, &BTreeSet::from([person]), read, &first, &mut known).await?;
        known.directory = directory_of(take(&mut items, &directory))?;
        let groups = known.identities.values().flat_map(|customer| customer.links.group.members());
        let others: BTreeSet<_> = groups.filter(|other| *other != person).collect();
        self.read_known(company, &others, read, &[], &mut known).await?;
        if known.listed.is_ahead_of(&known) { Err(Failure::Busy) } else { Ok((known, items)) }
    }

    /// A person with all identities, what is kept of each, and the number that this one has granted. One
    /// call, and one more if the person is in a group.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be read.
    pub async fn known_customer_and_phone(
        &self,
        company: Company,
        person: PersonId,
    ) -> Result<(KnownCustomer, Option<Mobile>), Failure> {
        let profile = [keys::profile(company, person)];
        let (known, items) = self.known_customer_beside(company, person, RecordRead::ToShow, &profile).await?;
        Ok((known, granted_number(items)?))
    }

    async fn read_known(
        &self,
        company: Company,
        persons: &BTreeSet<PersonId>,
        read: RecordRead,
        beside: &[Key],
        known: &mut KnownCustomer,
    ) -> Result<Vec<Item>, Failure> {
        let mut others = Vec::new();
        let customers = persons.iter().map(|person| keys::customer(company, *person));
        let records = persons.iter().map(|person| keys::customer_record(company, *person));
        let rows = if read == RecordRead::ToChange { keys_to_change(company, persons) } else { Vec::new() };
        let wanted: Vec<_> = customers.chain(records).chain(rows).chain(beside.iter().cloned()).collect();
        for item in self.batch_get(company, &wanted, read.into()).await? {
            let Some(item) = take_listed(item, &mut known.listed)? else { continue };
            if Key::of(&item).is_some_and(|key| beside.contains(&key)) {
                others.push(item);
            } else if CUSTOMER_RECORD.is_of(&item) {
                let (person, record) = record_of(item)?;
                known.records.insert(person, record);
            } else {
                let (person, customer) = customer_of_item(item)?;
                known.identities.insert(person, customer);
            }
        }
        Ok(others)
    }

    /// Visits every record of a company, as of the last write. What cannot be read is put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn every_customer_record(
        &self,
        company: Company,
        aside: &mut PutAside,
        mut visit: impl FnMut(PersonId, &CustomerRecord),
    ) -> Result<(), Failure> {
        let (partition, mut start) = (keys::customer_records(company), None);
        loop {
            let page = self.page_latest(&partition, start).await?;
            let records = aside.read_all(page.items, record_of)?;
            records.iter().for_each(|(person, record)| visit(*person, record));
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Stores records that were changed, the row of the list, and the entry of the change in the timeline
    /// of `person`.
    ///
    /// # Errors
    /// [`Failure::Busy`] when one of them, or who has a number, has changed since it was read.
    pub async fn change_records(
        &self,
        company: Company,
        read: &KnownCustomer,
        (changed, numbers): (&Records, &[MovedNumber]),
        (person, entry): (PersonId, &TimelineEntry),
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.add_list_row(&mut transaction, company, read, changed, Day::of(entry.at))?;
        for (person, record) in changed {
            put_record(&mut transaction, &self.table, company, *person, record)?;
        }
        for MovedNumber { person, from, to } in numbers {
            if let Some(from) = from {
                release_phone(&mut transaction, &self.table, company, (from, *person), Failure::Busy);
            }
            if let Some(to) = to {
                add_phone_holder(&mut transaction, &self.table, company, to, *person)?;
            }
        }
        add_timeline_entry(&mut transaction, &self.table, company, person, entry)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// Adds a record to a transaction, on condition that the stored one is still the one that was read.
pub(crate) fn put_record(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    record: &CustomerRecord,
) -> Result<(), Failure> {
    let next = CustomerRecord { version: record.version + 1, ..record.clone() };
    let item = CUSTOMER_RECORD.encode(&keys::customer_record(company, person), &next)?;
    let (condition, values) = at_version(record.version);
    transaction.put(table, item, condition, values, Failure::Busy);
    Ok(())
}

/// The record of an item, and whose it is.
pub(crate) fn record_of(item: Item) -> Result<(PersonId, CustomerRecord), Failure> {
    let person = keys::Key::of(&item).and_then(|key| keys::customer_record_of(&key));
    let person = person.ok_or_else(|| CUSTOMER_RECORD.corrupt("key"))?;
    Ok((person, CUSTOMER_RECORD.decode(item)?))
}
