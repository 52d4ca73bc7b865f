//! Imports of customers: what a row depends on, its customer, and what was wrong with rows.

use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::crm::addition::Addition;
use domain::crm::import::RowError;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, JobId, PersonId};
use domain::kernel::mobile::Mobile;
use serde::{Deserialize, Serialize};

use crate::company::department::{Placed, take, tree_of};
use crate::crm::addition::NewCustomer;
use crate::people::phone::phone_holder;
use crate::table::batch_get::ReadMode;
use crate::table::kinds::{CARD, IMPORT_MARK, ROW_ERROR};
use crate::table::read::{Order, Search};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// The job of an import.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ImportMark {
    pub(crate) job: JobId,
}

/// What the customer of a row depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowContext {
    /// The departments of the card, if there is such a card.
    pub departments: Option<DepartmentPath>,
    /// The identity that the phone number leads to.
    pub holder: Option<PersonId>,
    /// Whether the row was imported before.
    pub is_imported: bool,
}

impl Store {
    /// What the customer of a row depends on, as of the last write. One call.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be read.
    pub async fn row_context(
        &self,
        company: Company,
        (card, mobile): (Option<CardId>, Option<&Mobile>),
        person: PersonId,
    ) -> Result<RowContext, Failure> {
        let card = card.map(|card| keys::card(company, card));
        let phone = mobile.map(|mobile| keys::phone(company, mobile));
        let (tree, customer) = (keys::departments(company), keys::customer(company, person));
        let always = [tree.clone(), customer.clone()];
        let wanted: Vec<_> = always.into_iter().chain(card.clone()).chain(phone.clone()).collect();
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let tree = tree_of(take(&mut items, &tree))?;
        let card = card.and_then(|card| take(&mut items, &card)).map(|item| CARD.decode::<Placed>(item)).transpose()?;
        let holder = phone.and_then(|phone| take(&mut items, &phone)).map(phone_holder).transpose()?;
        let departments = card.map(|card| tree.path_of(card.department));
        Ok(RowContext { departments, holder, is_imported: take(&mut items, &customer).is_some() })
    }

    /// Adds the customer of a row, with all numbers that count them.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the row was imported or its phone number was taken since they were read.
    pub async fn add_imported(&self, company: Company, new: &NewCustomer, addition: &Addition) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_addition(&mut transaction, company, new, addition)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The job that has imported a table with this digest, if it was not undone.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn imported_by(&self, company: Company, digest: &str) -> Result<Option<JobId>, Failure> {
        let key = keys::import_mark(company, digest);
        Ok(self.get_latest::<ImportMark>(company, &key, IMPORT_MARK).await?.map(|mark| mark.job))
    }

    /// What was wrong with the rows of a job, in their order.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn row_errors(
        &self,
        company: Company,
        job: JobId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<Page<RowError, u32>, Failure> {
        let (partition, start) = (keys::row_errors(company, job), after.map(|row| keys::row_error(company, job, row)));
        let search = Search { kind: ROW_ERROR, partition: &partition, start, order: Order::OldestFirst, limit };
        let page = self.search(search, None::<fn(&StoredRow) -> bool>, |row: &StoredRow| row.row).await?;
        Ok(Page { items: page.items.into_iter().flat_map(|row| row.errors).collect(), next: page.next })
    }
}

/// All that was wrong with a row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRow {
    pub(crate) row: u32,
    pub(crate) errors: Vec<RowError>,
}

/// What was wrong, row by row.
pub(crate) fn by_row(errors: &[RowError]) -> Vec<StoredRow> {
    let mut rows: Vec<StoredRow> = Vec::new();
    for error in errors {
        match rows.last_mut().filter(|last| last.row == error.row) {
            Some(last) => last.errors.push(error.clone()),
            None => rows.push(StoredRow { row: error.row, errors: vec![error.clone()] }),
        }
    }
    rows
}
