//! The company's list of customers: a row for each person, and how many there are of each kind.
//!
//! A row is written in the transaction of each change that a member makes, and by housekeeping for the
//! persons whom events, merges and members who come and go touched. Each write is on condition that the row
//! is still the one that was read beside what it is made of.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};
use domain::company::Company;
use domain::crm::list_kind::CustomerListKind;
use domain::crm::list_update::ListUpdate;
use domain::crm::listed::{Listed, ListedRow, RowSources};
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::row::CustomerRow;
use domain::crm::row::packed::{pack_rows, unpack_rows};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{Id, PersonId};
use domain::kernel::pack::{Pack, pack_id, unpack_id};

use crate::close_rate::model::model_of;
use crate::keys::Key;
use crate::table::item::{Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::{CUSTOMER_ROW, LIST_CHANGE, LIST_COUNTS, LIST_HEAD, MODEL};
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// Name of the attribute with the row as bytes.
const ROW: &str = "row";
/// Name of the attribute that is raised by one with every write.
const VERSION: &str = "version";
/// Name of the attribute with the versions that the row was made of.
const SOURCES: &str = "sources";

/// The keys that are read beside these persons before one of them is changed.
pub(crate) fn keys_to_change(company: Company, persons: &BTreeSet<PersonId>) -> Vec<Key> {
    persons.iter().map(|person| keys::customer_row(company, *person)).collect()
}

/// Takes a row, or the model of the ranks, into what is read of a customer; gives back any other item.
pub(crate) fn take_listed(item: Item, listed: &mut Listed) -> Result<Option<Item>, Failure> {
    if CUSTOMER_ROW.is_of(&item) {
        let (person, row) = listed_row_of(&item)?;
        listed.rows.insert(person, row);
        return Ok(None);
    }
    if MODEL.is_of(&item) {
        // Without a model that can be read the ranks are by the default one, until the list is made anew.
        listed.model = model_of(item).unwrap_or_default();
        return Ok(None);
    }
    listed.has_blocks |= LIST_HEAD.is_of(&item);
    Ok((!LIST_HEAD.is_of(&item)).then_some(item))
}

/// The row of an item.
pub(crate) fn row_of(item: &Item) -> Result<CustomerRow, Failure> {
    CUSTOMER_ROW.check(item)?;
    let bytes = item.get(ROW).and_then(|row| row.as_b().ok()).ok_or_else(|| CUSTOMER_ROW.corrupt(ROW))?;
    let rows = unpack_rows(bytes.as_ref()).ok_or_else(|| CUSTOMER_ROW.corrupt(ROW))?;
    rows.into_iter().next().ok_or_else(|| CUSTOMER_ROW.corrupt("no row"))
}

/// Who has the row, and the row as it was read. One that cannot be read is there, and says nothing: it is
/// written anew.
fn listed_row_of(item: &Item) -> Result<(PersonId, ListedRow), Failure> {
    let person = Key::of(item).and_then(|key| keys::customer_row_of(&key));
    let person = person.ok_or_else(|| CUSTOMER_ROW.corrupt("key"))?;
    let version = item.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok());
    let version = version.ok_or_else(|| CUSTOMER_ROW.corrupt(VERSION))?;
    let sources = item.get(SOURCES).and_then(|sources| sources_of(sources.as_b().ok()?.as_ref()));
    let sources = sources.ok_or_else(|| CUSTOMER_ROW.corrupt(SOURCES))?;
    Ok((person, ListedRow { version, sources, row: row_of(item).ok() }))
}

fn sources_of(mut bytes: &[u8]) -> Option<RowSources> {
    let mut sources = RowSources::new();
    while !bytes.is_empty() {
        let person = unpack_id(&mut bytes)?;
        sources.insert(person, (u64::unpack(&mut bytes)?, u64::unpack(&mut bytes)?));
    }
    Some(sources)
}

fn packed_sources(sources: &RowSources) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (person, (customer, record)) in sources {
        pack_id(person, &mut bytes);
        customer.pack(&mut bytes);
        record.pack(&mut bytes);
    }
    bytes
}

/// The item that has the numbers of this person.
pub(crate) fn count_shard(person: PersonId) -> u8 {
    let [low, ..] = person.uuid().as_u128().to_le_bytes();
    low % keys::COUNT_SHARDS
}

/// The changes of numbers, by the item that has them: a transaction names each once.
#[derive(Debug, Default)]
pub(crate) struct CountChanges(BTreeMap<u8, BTreeMap<CustomerListKind, i64>>);

impl CountChanges {
    fn add(&mut self, person: PersonId, counts: &BTreeMap<CustomerListKind, i64>) {
        let shard = self.0.entry(count_shard(person)).or_default();
        for (kind, by) in counts {
            *shard.entry(*kind).or_default() += by;
        }
    }

    /// Adds them to a transaction.
    pub(crate) fn add_to(mut self, transaction: &mut Transaction, table: &str, company: Company) {
        for (shard, counts) in &mut self.0 {
            counts.retain(|_, by| *by != 0);
            if counts.is_empty() {
                continue;
            }
            let additions: Vec<_> = counts.keys().map(|kind| format!("#{0} :{0}", kind.name())).collect();
            let mut update = Update::builder()
                .update_expression(format!("SET #type = :type, #layout = :layout ADD {}", additions.join(", ")))
                .expression_attribute_names("#type", TYPE)
                .expression_attribute_names("#layout", LAYOUT)
                .expression_attribute_values(":type", text(LIST_COUNTS.name))
                .expression_attribute_values(":layout", number(LIST_COUNTS.layout));
            for (kind, by) in counts {
                update = update
                    .expression_attribute_names(format!("#{}", kind.name()), kind.name())
                    .expression_attribute_values(format!(":{}", kind.name()), number(by));
            }
            transaction.update(table, &keys::list_counts(company, *shard), update, Failure::Busy);
        }
    }
}

/// A copy of a row that is in no block yet.
#[derive(Debug)]
pub(crate) struct ListChange {
    /// Who has the row.
    pub(crate) person: PersonId,
    version: u64,
    /// The row; none of a row that was deleted.
    pub(crate) row: Option<CustomerRow>,
}

fn change(company: Company, person: PersonId, version: u64, row: Option<AttributeValue>) -> Item {
    let mut item = LIST_CHANGE.item(keys::list_change(company, person));
    item.insert(VERSION.to_owned(), number(version));
    item.extend(row.map(|row| (ROW.to_owned(), row)));
    item
}

/// The copy of an item.
pub(crate) fn change_of(item: &Item) -> Result<ListChange, Failure> {
    LIST_CHANGE.check(item)?;
    let person = Key::of(item).and_then(|key| keys::customer_row_of(&key));
    let person = person.ok_or_else(|| LIST_CHANGE.corrupt("key"))?;
    let version = item.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok());
    let version = version.ok_or_else(|| LIST_CHANGE.corrupt(VERSION))?;
    let rows = item.get(ROW).and_then(|row| row.as_b().ok()).map(|row| unpack_rows(row.as_ref()));
    let rows = rows.map(|rows| rows.ok_or_else(|| LIST_CHANGE.corrupt(ROW))).transpose()?;
    Ok(ListChange { person, version, row: rows.and_then(|rows| rows.into_iter().next()) })
}

impl ListChange {
    /// Adds the removal of the copy to a transaction, if it is still the one that was read.
    pub(crate) fn remove(&self, transaction: &mut Transaction, table: &str, company: Company) {
        let read = Item::from([(":read".to_owned(), number(self.version))]);
        let key = keys::list_change(company, self.person);
        transaction.delete(table, &key, "version = :read", read, Failure::Busy);
    }
}

/// The numbers of an item.
pub(crate) fn counts_of(item: &Item) -> Result<BTreeMap<CustomerListKind, i64>, Failure> {
    LIST_COUNTS.check(item)?;
    let count = |kind: &CustomerListKind| {
        Some((*kind, item.get(kind.name()).and_then(|count| count.as_n().ok()?.parse().ok())?))
    };
    Ok(CustomerListKind::ALL.iter().filter_map(count).collect())
}

impl Store {
    /// Adds to a transaction what the list needs after records of a customer were changed.
    pub(crate) fn add_list_row(
        &self,
        transaction: &mut Transaction,
        company: Company,
        read: &KnownCustomer,
        changed: &Records,
        today: Day,
    ) -> Result<(), Failure> {
        let mut after = read.clone();
        for (person, record) in changed {
            let mut record = record.clone();
            record.version += 1;
            after.records.insert(*person, record);
        }
        self.add_list_update(transaction, company, &read.listed.update(&after, today))
    }

    /// Adds an update of the list to a transaction.
    pub(crate) fn add_list_update(
        &self,
        transaction: &mut Transaction,
        company: Company,
        update: &ListUpdate,
    ) -> Result<(), Failure> {
        let mut counts = CountChanges::default();
        self.add_rows(transaction, company, update, &mut counts)?;
        counts.add_to(transaction, &self.table, company);
        Ok(())
    }

    /// Adds the rows of an update, and its numbers to those of the transaction.
    pub(crate) fn add_rows(
        &self,
        transaction: &mut Transaction,
        company: Company,
        update: &ListUpdate,
        counts: &mut CountChanges,
    ) -> Result<(), Failure> {
        for (person, ListedRow { version, sources, row }) in &update.puts {
            let Some(row) = row else { continue };
            let bytes = AttributeValue::B(Blob::new(pack_rows([row].into_iter())));
            let mut item = CUSTOMER_ROW.item(keys::customer_row(company, *person));
            item.insert(VERSION.to_owned(), number(version + 1));
            item.insert(SOURCES.to_owned(), AttributeValue::B(Blob::new(packed_sources(sources))));
            if update.has_blocks {
                transaction.replace(&self.table, change(company, *person, version + 1, Some(bytes.clone())));
            }
            item.insert(ROW.to_owned(), bytes);
            let (condition, values) = at_version(*version);
            transaction.put(&self.table, item, condition, values, Failure::Busy);
        }
        for (person, version) in &update.removed {
            let read = Item::from([(":read".to_owned(), number(version))]);
            let key = keys::customer_row(company, *person);
            transaction.delete(&self.table, &key, "version = :read", read, Failure::Busy);
            if update.has_blocks {
                transaction.replace(&self.table, change(company, *person, version + 1, None));
            }
        }
        for (person, version) in &update.kept {
            let check = ConditionCheck::builder()
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(version));
            transaction.check(&self.table, &keys::customer_row(company, *person), check, Failure::Busy);
        }
        let named =
            update.puts.iter().map(|(person, _)| *person).chain(update.removed.iter().map(|(person, _)| *person));
        if let Some(person) = named.min() {
            counts.add(person, &update.counts);
        }
        Ok(())
    }

    /// Replaces the numbers of an item, if they are still those that were read. Returns whether they were.
    pub(crate) async fn set_list_numbers(
        &self,
        company: Company,
        shard: u8,
        counts: &BTreeMap<CustomerListKind, i64>,
        read: &BTreeMap<CustomerListKind, i64>,
    ) -> Result<bool, Failure> {
        let (mut set, mut same) = (vec!["#type = :type".to_owned(), "#layout = :layout".to_owned()], Vec::new());
        let mut update = Update::builder()
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":type", text(LIST_COUNTS.name))
            .expression_attribute_values(":layout", number(LIST_COUNTS.layout));
        for kind in CustomerListKind::ALL {
            let name = kind.name();
            set.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), number(counts.get(kind).unwrap_or(&0)));
            if let Some(read) = read.get(kind) {
                same.push(format!("#{name} = :{name}_read"));
                update = update.expression_attribute_values(format!(":{name}_read"), number(read));
            } else {
                same.push(format!("attribute_not_exists(#{name})"));
            }
        }
        let update =
            update.update_expression(format!("SET {}", set.join(", "))).condition_expression(same.join(" AND "));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::list_counts(company, shard), update, Failure::Busy);
        match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
            Ok(()) => Ok(true),
            Err(Failure::Busy) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
