//! Customers' states.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::ConditionCheck;
use domain::aggregate::Customer;
use domain::company::Company;
use domain::id::{CardId, PersonId};
use domain::merge::Ties;
use domain::said::{Identities, United};
use serde::{Deserialize, Serialize};

use crate::batch_get::{KEYS_MAX, Read};
use crate::item::{Item, Kind, number};
use crate::transaction::Transaction;
use crate::{Store, keys};
use domain::failure::Failure;

/// Layout 1 had no ties, and seen days as bits.
const CUSTOMER: Kind = Kind::new("customer", 2);

/// Most identities that are read beside a card in one call.
pub const IDENTITIES_MAX: usize = KEYS_MAX - 1;

/// The state is one JSON text: as a map it would be half as large again, and the
/// item is rewritten whole with every batch. So are ties and dealings, which most do not have.
#[derive(Debug, Serialize, Deserialize)]
struct CustomerItem {
    version: u64,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ties: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dealings: Option<String>,
}

impl CustomerItem {
    fn of(customer: &Customer) -> Result<Self, Failure> {
        let ties = (customer.ties != Ties::default()).then(|| json(&customer.ties)).transpose()?;
        let dealings = (!customer.dealings.is_empty()).then(|| json(&customer.dealings)).transpose()?;
        Ok(Self { version: customer.version + 1, state: json(&customer.state)?, ties, dealings })
    }

    fn customer(self) -> Result<Customer, Failure> {
        let ties = self.ties.map(|ties| serde_json::from_str(&ties)).transpose();
        let dealings = self.dealings.map(|dealings| serde_json::from_str(&dealings)).transpose();
        Ok(Customer {
            version: self.version,
            state: serde_json::from_str(&self.state).map_err(|error| CUSTOMER.corrupt(error))?,
            ties: ties.map_err(|error| CUSTOMER.corrupt(error))?.unwrap_or_default(),
            dealings: dealings.map_err(|error| CUSTOMER.corrupt(error))?.unwrap_or_default(),
        })
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| CUSTOMER.corrupt(error))
}

/// Customers by identity; each may be one that cannot be read.
type Customers = BTreeMap<PersonId, Result<Customer, Failure>>;

impl Store {
    /// These customers and all identities of their groups, as of the last write; who is
    /// missing has done nothing yet. One call, and one more if somebody is in a group.
    ///
    /// # Errors
    /// Those of the table. A customer that cannot be read is an error by itself.
    pub async fn customers(&self, company: Company, persons: &[PersonId]) -> Result<Customers, Failure> {
        self.customers_and_groups(company, persons, Read::Consistent).await
    }

    /// All identities of a person together; an empty state when he has done nothing yet. Perhaps a moment old, as the queue before it is. One call, and one
    /// more if the person is in a group.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn customer(&self, company: Company, person: PersonId) -> Result<United, Failure> {
        let parts = self.customers_and_groups(company, &[person], Read::Eventual).await?;
        let parts = parts.into_values().collect::<Result<Vec<_>, _>>()?;
        Ok(United::of(parts.iter()))
    }

    /// The same for who looks at a card: the call that reads him finds the card.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a card.
    pub async fn customer_of_card(&self, company: Company, card: CardId, person: PersonId) -> Result<United, Failure> {
        let mut parts = self.identities_on(company, Some(card), &[person]).await?;
        let groups = parts.values().flat_map(|part| part.ties.group.members());
        let others: BTreeSet<_> = groups.filter(|other| *other != person).collect();
        parts.extend(self.identities_on(company, None, &Vec::from_iter(others)).await?);
        Ok(United::of(parts.values()))
    }

    /// These identities, at most [`IDENTITIES_MAX`], each by itself; the card they are
    /// looked at for must exist. One call.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a card, [`Failure::Corrupt`] when an identity
    /// cannot be read.
    pub async fn identities_on(
        &self,
        company: Company,
        card: Option<CardId>,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Customer>, Failure> {
        let card = card.map(|card| keys::card(company, card));
        let persons = persons.iter().take(IDENTITIES_MAX).map(|person| keys::customer(company, *person));
        let wanted: Vec<_> = card.iter().cloned().chain(persons).collect();
        let (mut found, mut known) = (card.is_none(), BTreeMap::new());
        for item in self.batch_get(&wanted, Read::Eventual).await? {
            let key = keys::Key::of(&item).ok_or_else(|| CUSTOMER.corrupt("key"))?;
            if Some(&key) == card.as_ref() {
                found = true;
            } else {
                let person = keys::customer_of(&key).ok_or_else(|| CUSTOMER.corrupt("key"))?;
                known.insert(person, CUSTOMER.decode::<CustomerItem>(item)?.customer()?);
            }
        }
        if found { Ok(known) } else { Err(Failure::NotFound) }
    }

    /// A person whose own item was read, with the other identities of his group as of the
    /// last write.
    pub(crate) async fn identities(
        &self,
        company: Company,
        person: PersonId,
        item: Option<Item>,
    ) -> Result<Identities, Failure> {
        let customer = item.map(|item| CUSTOMER.decode::<CustomerItem>(item)?.customer()).transpose()?;
        let mut group = customer.as_ref().map(|customer| customer.ties.group.members()).unwrap_or_default();
        group.remove(&person);
        let mut others = Customers::new();
        self.read_customers(company, &Vec::from_iter(group), Read::Consistent, &mut others).await?;
        let others = others.into_iter().map(|(other, customer)| customer.map(|customer| (other, customer)));
        others.chain(customer.map(|customer| Ok((person, customer)))).collect()
    }

    async fn customers_and_groups(
        &self,
        company: Company,
        persons: &[PersonId],
        read: Read,
    ) -> Result<Customers, Failure> {
        let mut customers = Customers::new();
        self.read_customers(company, persons, read, &mut customers).await?;
        let groups = customers.values().flatten().flat_map(|customer| customer.ties.group.members());
        let others: BTreeSet<_> = groups.filter(|person| !customers.contains_key(person)).collect();
        self.read_customers(company, &Vec::from_iter(others), read, &mut customers).await?;
        Ok(customers)
    }

    async fn read_customers(
        &self,
        company: Company,
        persons: &[PersonId],
        read: Read,
        customers: &mut Customers,
    ) -> Result<(), Failure> {
        for persons in persons.chunks(KEYS_MAX) {
            let keys: Vec<_> = persons.iter().map(|person| keys::customer(company, *person)).collect();
            for item in self.batch_get(&keys, read).await? {
                let person = keys::Key::of(&item)
                    .and_then(|key| keys::customer_of(&key))
                    .ok_or_else(|| CUSTOMER.corrupt("key"))?;
                customers.insert(person, CUSTOMER.decode::<CustomerItem>(item).and_then(CustomerItem::customer));
            }
        }
        Ok(())
    }
}

/// Adds a customer's new state to a transaction, on condition that the stored one is
/// still the one that was read.
pub(crate) fn put_customer(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    customer: &Customer,
) -> Result<(), Failure> {
    let item = CUSTOMER.encode(&keys::customer(company, person), &CustomerItem::of(customer)?)?;
    let (condition, values) = as_read(customer.version);
    transaction.put(table, item, condition, values, Failure::Busy);
    Ok(())
}

/// Adds to a transaction that a customer is still the one that was read.
pub(crate) fn check_customer(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    version: u64,
) {
    let (condition, values) = as_read(version);
    let check = ConditionCheck::builder()
        .condition_expression(condition)
        .expression_attribute_names("#pk", keys::PK)
        .set_expression_attribute_values((!values.is_empty()).then_some(values));
    transaction.check(table, &keys::customer(company, person), check, Failure::Busy);
}

fn as_read(version: u64) -> (&'static str, Item) {
    match version {
        0 => ("attribute_not_exists(#pk)", Item::new()),
        read => ("attribute_exists(#pk) AND version = :read", Item::from([(":read".to_owned(), number(read))])),
    }
}
