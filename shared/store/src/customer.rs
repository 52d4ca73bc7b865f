//! Customers' states.

use std::collections::BTreeMap;

use domain::aggregate::Customer;
use domain::company::Company;
use domain::customer::CustomerState;
use domain::id::PersonId;
use serde::{Deserialize, Serialize};

use crate::batch_get::{KEYS_MAX, Read};
use crate::item::{Item, Kind, number};
use crate::transaction::Transaction;
use crate::{Store, keys};
use domain::failure::Failure;

const CUSTOMER: Kind = Kind::new("customer", 1);

/// The state is one JSON text: as a map it would be half as large again, and the
/// item is rewritten whole with every batch.
#[derive(Debug, Serialize, Deserialize)]
struct CustomerItem {
    version: u64,
    state: String,
}

impl CustomerItem {
    fn customer(self) -> Result<Customer, Failure> {
        let state = serde_json::from_str(&self.state).map_err(|error| CUSTOMER.corrupt(error))?;
        Ok(Customer { version: self.version, state })
    }
}

impl Store {
    /// The states of these persons; who is missing has none yet.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] names the first state that cannot be read.
    pub async fn customers(
        &self,
        company: Company,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Result<Customer, Failure>>, Failure> {
        let mut customers = BTreeMap::new();
        for persons in persons.chunks(KEYS_MAX) {
            let keys: Vec<_> = persons.iter().map(|person| keys::customer(company, *person)).collect();
            for item in self.batch_get(&keys, Read::Consistent).await? {
                let person = keys::Key::of(&item)
                    .and_then(|key| keys::customer_of(&key))
                    .ok_or_else(|| CUSTOMER.corrupt("key"))?;
                customers.insert(person, CUSTOMER.decode::<CustomerItem>(item).and_then(CustomerItem::customer));
            }
        }
        Ok(customers)
    }

    /// The state of one person; an empty one when there is none yet.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn customer(&self, company: Company, person: PersonId) -> Result<CustomerState, Failure> {
        let item = self.get::<CustomerItem>(&keys::customer(company, person), CUSTOMER).await?;
        Ok(item.map(CustomerItem::customer).transpose()?.unwrap_or_default().state)
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
    let state = serde_json::to_string(&customer.state).map_err(|error| CUSTOMER.corrupt(error))?;
    let item = CustomerItem { version: customer.version + 1, state };
    let item = CUSTOMER.encode(&keys::customer(company, person), &item)?;
    if customer.version == 0 {
        transaction.create(table, item, Failure::Busy);
    } else {
        let read = Item::from([(":read".to_owned(), number(customer.version))]);
        transaction.put(table, item, "attribute_exists(#pk) AND version = :read", read, Failure::Busy);
    }
    Ok(())
}
