//! Customers' states.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck};
use domain::close_rate::model::Model;
use domain::company::Company;
use domain::crm::customer::CustomerState;
use domain::crm::identities::Customer;
use domain::crm::identities::MergedCustomer;
use domain::crm::identity_group::IdentityLinks;
use domain::kernel::id::{CardId, PersonId};
use domain::radar::counter::Scope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::close_rate::model::model_of;
use crate::close_rate::shortlist::{self, StoredShortlist};
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::item::{Item, layout_of};
use crate::table::kinds::CUSTOMER;
use crate::table::transaction::{Transaction, at_version};
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// Name of the attribute with the state.
const STATE: &str = "state";

/// Most identities that are read beside a card and a model in one call.
pub const IDENTITIES_MAX: usize = KEYS_MAX - 2;

/// All but the state, which is bytes ([`CustomerState::to_bytes`]): the item is rewritten whole
/// with every batch. Merge edges and opportunity, which most do not have, are JSON texts; the
/// edges are stored as `ties`, the opportunity as `dealings`.
#[derive(Debug, Serialize, Deserialize)]
struct CustomerItem {
    version: u64,
    #[serde(default, rename = "ties", skip_serializing_if = "Option::is_none")]
    links: Option<String>,
    #[serde(default, rename = "dealings", skip_serializing_if = "Option::is_none")]
    opportunity: Option<String>,
}

/// The item of a customer that is written again.
fn encode(key: &keys::Key, customer: &Customer) -> Result<Item, Failure> {
    let links = (customer.links != IdentityLinks::default()).then(|| json(&customer.links)).transpose()?;
    let opportunity = (!customer.opportunity.is_empty()).then(|| json(&customer.opportunity)).transpose()?;
    let mut item = CUSTOMER.encode(key, &CustomerItem { version: customer.version + 1, links, opportunity })?;
    item.insert(STATE.to_owned(), AttributeValue::B(Blob::new(customer.state.to_bytes())));
    Ok(item)
}

/// The customer of an item.
fn decode(mut item: Item) -> Result<Customer, Failure> {
    let of_layout_3 = layout_of(&item) == Some(3);
    let state = match item.remove(STATE) {
        Some(AttributeValue::B(bytes)) if of_layout_3 => CustomerState::from_bytes_of_layout_3(bytes.as_ref()),
        Some(AttributeValue::B(bytes)) => CustomerState::from_bytes(bytes.as_ref()),
        Some(AttributeValue::S(text)) => Ok(of_json::<CustomerState>(&text)?.met_by_days()),
        _ => return Err(CUSTOMER.corrupt("no state")),
    };
    let state = state.map_err(|error| CUSTOMER.corrupt(error))?;
    let CustomerItem { version, links, opportunity } = CUSTOMER.decode(item)?;
    let links = links.map(|links| of_json(&links)).transpose()?.unwrap_or_default();
    let opportunity = opportunity.map(|opportunity| of_json(&opportunity)).transpose()?.unwrap_or_default();
    Ok(Customer { version, state, links, opportunity })
}

/// The customer of an item, and whose it is.
pub(crate) fn customer_of_item(item: Item) -> Result<(PersonId, Customer), Failure> {
    let person = keys::Key::of(&item).and_then(|key| keys::customer_of(&key));
    Ok((person.ok_or_else(|| CUSTOMER.corrupt("key"))?, decode(item)?))
}

fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| CUSTOMER.corrupt(error))
}

fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| CUSTOMER.corrupt(error))
}

/// All identities of the person that one of them is.
fn group_of(person: PersonId, part: &Customer) -> BTreeSet<PersonId> {
    let mut group = part.links.group.members();
    group.insert(person);
    group
}

/// Customers by identity; each may be one that cannot be read.
type Customers = BTreeMap<PersonId, Result<Customer, Failure>>;

impl Store {
    /// These customers and all identities of their groups, as of the last write; a person who is
    /// missing has done nothing yet. One call, and one more if somebody is in a group.
    ///
    /// # Errors
    /// Those of the table. A customer that cannot be read is an error by itself.
    pub async fn customers(&self, company: Company, persons: &[PersonId]) -> Result<Customers, Failure> {
        self.customers_and_groups(company, persons, ReadMode::Consistent).await
    }

    /// All identities of a person together; an empty state when they have done nothing yet.
    /// Perhaps a moment old, as the queue before it is. One call, and one more if the person is
    /// in a group.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn customer(&self, company: Company, person: PersonId) -> Result<MergedCustomer, Failure> {
        let parts = self.customers_and_groups(company, &[person], ReadMode::Eventual).await?;
        let parts = parts.into_values().collect::<Result<Vec<_>, _>>()?;
        Ok(MergedCustomer::of(parts.iter()))
    }

    /// All identities of a person, perhaps a moment old; the card they are read for, if there is one, must
    /// exist.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a card, [`Failure::Corrupt`] when one cannot be read.
    pub async fn identities_of(
        &self,
        company: Company,
        person: PersonId,
        card: Option<CardId>,
    ) -> Result<BTreeSet<PersonId>, Failure> {
        let (known, _) = self.identities_beside(company, card, &[person], None).await?;
        let group = known.get(&person).map(|known| known.links.group.members()).unwrap_or_default();
        Ok(group.into_iter().chain([person]).collect())
    }

    /// Each of these persons with all of their identities, perhaps a moment old.
    pub(crate) async fn people_now(
        &self,
        company: Company,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, MergedCustomer>, Failure> {
        let parts = self.customers_and_groups(company, persons, ReadMode::Eventual).await?;
        let parts = parts.into_iter().map(|(person, part)| Ok((person, part?)));
        let parts = parts.collect::<Result<BTreeMap<_, _>, Failure>>()?;
        let whole = |person: &PersonId| {
            let mut identities = parts.get(person)?.links.group.members();
            identities.insert(*person);
            let identities: Vec<_> = identities.iter().filter_map(|identity| parts.get(identity)).collect();
            Some((*person, MergedCustomer::of(identities.into_iter())))
        };
        Ok(persons.iter().filter_map(whole).collect())
    }

    /// A person as [`Store::customer`] reads them, their identities, and the list of a scope with the model it is
    /// by. The card of a scope must exist. The call that reads the person finds all.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a card.
    pub async fn customer_and_list(
        &self,
        company: Company,
        scope: Scope,
        person: PersonId,
    ) -> Result<(BTreeSet<PersonId>, MergedCustomer, StoredShortlist), Failure> {
        let card = if let Scope::Card(card) = scope { Some(card) } else { None };
        let key = keys::shortlist(company, scope);
        let (mut parts, list) = self.identities_beside(company, card, &[person], Some(&key)).await?;
        let groups = parts.values().flat_map(|part| part.links.group.members());
        let others: BTreeSet<_> = groups.filter(|other| *other != person).collect();
        parts.extend(self.identities_beside(company, None, &Vec::from_iter(others), None).await?.0);
        // Housekeeping puts aside a list that cannot be read: it says nothing of anybody's place.
        let list = list.and_then(|item| shortlist::decode(&item).ok()).unwrap_or_default();
        Ok((parts.keys().copied().chain([person]).collect(), MergedCustomer::of(parts.values()), list))
    }

    /// The people behind these identities, at most [`IDENTITIES_MAX`]: each once, by all of their
    /// identities. With the model of close rates in force; the card they are read for must exist. One
    /// call, and one more if somebody is in a group.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a card, [`Failure::Corrupt`] when an identity cannot be
    /// read.
    pub async fn people_and_model(
        &self,
        company: Company,
        card: Option<CardId>,
        persons: &[PersonId],
    ) -> Result<(BTreeMap<BTreeSet<PersonId>, MergedCustomer>, Model), Failure> {
        let key = keys::close_rate_model(company);
        let persons = &persons[..persons.len().min(IDENTITIES_MAX)];
        let (mut parts, model) = self.identities_beside(company, card, persons, Some(&key)).await?;
        let groups: BTreeSet<BTreeSet<_>> = parts.iter().map(|(person, part)| group_of(*person, part)).collect();
        let others: BTreeSet<_> = groups.iter().flatten().filter(|other| !parts.contains_key(other)).copied().collect();
        for others in Vec::from_iter(others).chunks(IDENTITIES_MAX) {
            parts.extend(self.identities_beside(company, None, others, None).await?.0);
        }
        let model = model.map(model_of).transpose()?.unwrap_or_default();
        let person = |group: BTreeSet<_>| {
            let identities: Vec<_> = group.iter().filter_map(|identity| parts.get(identity)).collect();
            let merged = MergedCustomer::of(identities.into_iter());
            (group, merged)
        };
        Ok((groups.into_iter().map(person).collect(), model))
    }

    /// These identities, and the item that is read beside them.
    async fn identities_beside(
        &self,
        company: Company,
        card: Option<CardId>,
        persons: &[PersonId],
        beside: Option<&keys::Key>,
    ) -> Result<(BTreeMap<PersonId, Customer>, Option<Item>), Failure> {
        let card = card.map(|card| keys::card(company, card));
        let persons = persons.iter().map(|person| keys::customer(company, *person));
        let wanted: Vec<_> = card.iter().chain(beside).cloned().chain(persons).collect();
        let (mut found, mut known, mut other) = (card.is_none(), BTreeMap::new(), None);
        for item in self.batch_get(company, &wanted, ReadMode::Eventual).await? {
            let key = keys::Key::of(&item).ok_or_else(|| CUSTOMER.corrupt("key"))?;
            if Some(&key) == card.as_ref() {
                found = true;
            } else if Some(&key) == beside {
                other = Some(item);
            } else {
                let person = keys::customer_of(&key).ok_or_else(|| CUSTOMER.corrupt("key"))?;
                known.insert(person, decode(item)?);
            }
        }
        if found { Ok((known, other)) } else { Err(Failure::NotFound) }
    }

    async fn customers_and_groups(
        &self,
        company: Company,
        persons: &[PersonId],
        read: ReadMode,
    ) -> Result<Customers, Failure> {
        let mut customers = Customers::new();
        self.read_customers(company, persons, read, &mut customers).await?;
        let groups = customers.values().flatten().flat_map(|customer| customer.links.group.members());
        let others: BTreeSet<_> = groups.filter(|person| !customers.contains_key(person)).collect();
        self.read_customers(company, &Vec::from_iter(others), read, &mut customers).await?;
        Ok(customers)
    }

    async fn read_customers(
        &self,
        company: Company,
        persons: &[PersonId],
        read: ReadMode,
        customers: &mut Customers,
    ) -> Result<(), Failure> {
        for persons in persons.chunks(KEYS_MAX) {
            let keys: Vec<_> = persons.iter().map(|person| keys::customer(company, *person)).collect();
            for item in self.batch_get(company, &keys, read).await? {
                let person = keys::Key::of(&item)
                    .and_then(|key| keys::customer_of(&key))
                    .ok_or_else(|| CUSTOMER.corrupt("key"))?;
                customers.insert(person, decode(item));
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
    let item = encode(&keys::customer(company, person), customer)?;
    let (condition, values) = at_version(customer.version);
    transaction.put(table, item, condition, values, Failure::Busy);
    Ok(())
}

/// Adds the condition to a transaction that a customer is still the one that was read.
pub(crate) fn check_customer(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    version: u64,
) {
    let (condition, values) = at_version(version);
    let check = ConditionCheck::builder()
        .condition_expression(condition)
        .expression_attribute_names("#pk", keys::PK)
        .set_expression_attribute_values((!values.is_empty()).then_some(values));
    transaction.check(table, &keys::customer(company, person), check, Failure::Busy);
}

#[cfg(test)]
mod tests {
    use domain::crm::opportunity::Deal;
    use domain::kernel::day::Day;
    use domain::kernel::id::{CardId, CompanyId, DealId, Id, MemberId};
    use domain::kernel::timestamp::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::table::item::number;

    fn key() -> keys::Key {
        let (company, person) = (CompanyId::from_uuid(Uuid::nil()), PersonId::from_uuid(Uuid::nil()));
        keys::customer(Company::granted(company), person)
    }

    #[test]
    fn deals_and_rates_are_stored_under_the_name_that_older_items_have() {
        let (card, by) = (CardId::from_uuid(Uuid::nil()), MemberId::from_uuid(Uuid::nil()));
        let now = Timestamp::from_millis(1_795_000_000_000);
        let deal = Deal { closed_on: Day::of(now), at: now, by };
        let mut customer = Customer::default();
        customer.opportunity.add_deal(card, DealId::from_uuid(Uuid::nil()), deal).unwrap();
        let item = encode(&key(), &customer).unwrap();
        let stored = item.get("dealings").and_then(|value| value.as_s().ok()).unwrap();
        assert_eq!(stored, &serde_json::to_string(&customer.opportunity).unwrap());
        assert_eq!(item.len(), 7, "no other attribute holds it: {:?}", item.keys());
        assert_eq!(decode(item).unwrap().opportunity, customer.opportunity);
    }

    /// With an attribute instead of the stored one.
    fn read(name: &str, value: AttributeValue) -> Result<Customer, Failure> {
        let mut item = encode(&key(), &Customer { version: 6, ..Customer::default() }).unwrap();
        item.insert(name.to_owned(), value);
        decode(item)
    }

    #[test]
    fn the_state_is_bytes_and_until_layout_2_a_text() {
        let text = AttributeValue::S(r#"{"p":{"v":"20778"},"c":{}}"#.to_owned());
        let before = read(STATE, text).unwrap();
        assert_eq!((before.version, before.state.active_days.viewed.is_empty()), (7, false));
        let item = encode(&key(), &before).unwrap();
        assert!(item[STATE].as_b().is_ok());
        assert_eq!(decode(item).unwrap(), Customer { version: 8, ..before });
    }

    #[test]
    fn a_state_or_ties_that_cannot_be_read_are_corrupt() {
        let wrong = [AttributeValue::B(Blob::new([1])), AttributeValue::S("{".to_owned()), number(1)];
        for value in wrong {
            assert!(matches!(read(STATE, value), Err(Failure::Corrupt(_))));
        }
        assert!(matches!(read("ties", AttributeValue::S("{".to_owned())), Err(Failure::Corrupt(_))));
    }
}
