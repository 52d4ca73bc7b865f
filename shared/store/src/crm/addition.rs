//! Customers whom members add, and taking an addition back.

use domain::company::Company;
use domain::company::budget_spend::BudgetSpend;
use domain::company::department::DepartmentPath;
use domain::crm::addition::Addition;
use domain::crm::identities::{Customer, Identities};
use domain::crm::record::{CustomerRecord, KnownCustomer, Records};
use domain::crm::tag::TagBook;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::CounterDeltas;
use serde::{Deserialize, Serialize};

use crate::close_rate::shortlist_refresh::mark_shortlist_refresh;
use crate::company::book::{BookName, book_of};
use crate::company::department::{Placed, take, tree_of};
use crate::crm::customer::put_customer;
use crate::crm::record::put_record;
use crate::people::phone::{add_phone_holder, phone_holder, release_phone};
use crate::radar::counter::add_counts;
use crate::table::batch_get::RecordRead;
use crate::table::idempotency::replayed;
use crate::table::item::{Item, number};
use crate::table::kinds::CARD;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// A customer to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// The new identity.
    pub person: PersonId,
    /// What is kept of it, with how it was added.
    pub record: CustomerRecord,
}

/// A customer who was added: the result of the request that did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerAdded {
    /// The identity.
    pub person: PersonId,
}

/// What is read before a customer is added.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AdditionContext {
    /// The departments of the card, if there is such a card.
    pub departments: Option<DepartmentPath>,
    /// The company's tags.
    pub tags: TagBook,
    /// The identity that the phone number leads to.
    pub holder: Option<PersonId>,
    /// The result of the same request, if it came before.
    pub before: Option<CustomerAdded>,
    /// Nobody yet, and what a row of the list is made by.
    pub nobody: KnownCustomer,
}

impl Store {
    /// What an addition depends on, as of the last write. One call.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn addition_context(
        &self,
        company: Company,
        person: PersonId,
        (card, mobile): (Option<CardId>, Option<&Mobile>),
        (request, now): (&Idempotency, Timestamp),
    ) -> Result<AdditionContext, Failure> {
        let (card, phone) =
            (card.map(|card| keys::card(company, card)), mobile.map(|mobile| keys::phone(company, mobile)));
        let (tree, tags) = (keys::departments(company), BookName::Tags.key(company.into()));
        let first = keys::idempotency(company, &request.key);
        let always = [tree.clone(), tags.clone(), first.clone()];
        let wanted: Vec<_> = always.into_iter().chain(card.clone()).chain(phone.clone()).collect();
        let (nobody, mut items) = self.known_customer_beside(company, person, RecordRead::ToChange, &wanted).await?;
        let tree = tree_of(take(&mut items, &tree))?;
        let card = card.and_then(|card| take(&mut items, &card)).map(|item| CARD.decode::<Placed>(item)).transpose()?;
        let before = take(&mut items, &first).map(|first| replayed(first, request, now)).transpose()?;
        let holder = phone.and_then(|phone| take(&mut items, &phone)).map(phone_holder).transpose()?;
        Ok(AdditionContext {
            departments: card.map(|card| tree.path_of(card.department)),
            tags: book_of(take(&mut items, &tags))?,
            holder,
            before: before.flatten(),
            nobody,
        })
    }

    /// Adds a customer once per request, with all numbers that count them. Returns the one that the
    /// first such request added.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the phone number was taken since it was read, [`Failure::KeyReused`] when
    /// the request's key stands for another request.
    pub async fn add_customer(
        &self,
        (company, nobody): (Company, &KnownCustomer),
        new: &NewCustomer,
        addition: &Addition,
        (request, spend): (&Idempotency, BudgetSpend),
    ) -> Result<CustomerAdded, Failure> {
        let key = keys::idempotency(company, &request.key);
        let added = CustomerAdded { person: new.person };
        self.create_once_within((company, &[spend]), &key, request, addition.at, added, |transaction| {
            self.put_addition(transaction, (company, nobody), new, addition)
        })
        .await
    }

    /// Adds to a transaction all that makes a new identity a customer.
    pub(crate) fn put_addition(
        &self,
        transaction: &mut Transaction,
        (company, nobody): (Company, &KnownCustomer),
        NewCustomer { person, record }: &NewCustomer,
        addition: &Addition,
    ) -> Result<(), Failure> {
        put_customer(transaction, &self.table, company, *person, &addition.customer())?;
        put_record(transaction, &self.table, company, *person, record)?;
        if let Some(mobile) = &addition.mobile {
            add_phone_holder(transaction, &self.table, company, mobile, *person)?;
        }
        let mut after = nobody.clone();
        after.identities.insert(*person, Customer { version: 1, ..addition.customer() });
        after.records.insert(*person, CustomerRecord { version: 1, ..record.clone() });
        self.add_list_update(transaction, company, &nobody.listed.update(&after, Day::of(addition.at)))?;
        self.count_addition(transaction, company, (*person, addition), &addition.contributions(), addition.at)
    }

    /// Takes an addition back, with all that it has written.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when anything of it has changed.
    pub async fn revoke_addition(
        &self,
        company: Company,
        (person, addition): (PersonId, &Addition),
        read: &KnownCustomer,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        let record = read.records.get(&person).map_or(0, |record| record.version);
        let customer = read.identities.get(&person).map_or(0, |customer| customer.version);
        for (key, version) in
            [(keys::customer(company, person), customer), (keys::customer_record(company, person), record)]
        {
            let read = Item::from([(":read".to_owned(), number(version))]);
            transaction.delete(&self.table, &key, "version = :read", read, Failure::VersionConflict);
        }
        if let Some(mobile) = &addition.mobile {
            release_phone(&mut transaction, &self.table, company, (mobile, person), Failure::VersionConflict);
        }
        let nobody = KnownCustomer { identities: Identities::new(), records: Records::new(), ..read.clone() };
        self.add_list_update(&mut transaction, company, &read.listed.update(&nobody, Day::of(now)))?;
        let mut deltas = CounterDeltas::default();
        deltas.subtract_all(&addition.contributions());
        self.count_addition(&mut transaction, company, (person, addition), &deltas, now)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    fn count_addition(
        &self,
        transaction: &mut Transaction,
        company: Company,
        (person, addition): (PersonId, &Addition),
        deltas: &CounterDeltas,
        now: Timestamp,
    ) -> Result<(), Failure> {
        for (scope, period, counts) in deltas.changes() {
            add_counts(transaction, &self.table, company, scope, period, &counts);
        }
        match addition.card {
            Some(card) => mark_shortlist_refresh(transaction, &self.table, company, person, card, now),
            None => Ok(()),
        }
    }
}
