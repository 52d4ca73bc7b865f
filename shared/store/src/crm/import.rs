//! Imports of customers: what a row depends on, its customer, and what was wrong with rows.

use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::crm::addition::Addition;
use domain::crm::custom_field::CustomFieldBook;
use domain::crm::import_row::RowError;
use domain::crm::job::Job;
use domain::crm::record::KnownCustomer;
use domain::crm::table_preview::TablePreview;
use domain::crm::tag::TagBook;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, JobId, PersonId};
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::KEPT_MS;
use serde::{Deserialize, Serialize};

use crate::company::book::{BookName, book_of};
use crate::company::department::{Placed, take, tree_of};
use crate::crm::addition::NewCustomer;
use crate::people::phone::phone_holder;
use crate::table::batch_get::{ReadMode, RecordRead};
use crate::table::item::{expire, has_expired};
use crate::table::kinds::{CARD, IMPORT_MARK, ROW_ERROR, TABLE_PREVIEW};
use crate::table::read::{Order, Search};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// More errors than a row can have: one for each field.
const ERRORS_OF_ROW_MAX: u64 = 10;

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
    /// Whom the row made before, or nobody, and what a row of the list is made by.
    pub known: KnownCustomer,
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
        let tree = keys::departments(company);
        let wanted: Vec<_> = [tree.clone()].into_iter().chain(card.clone()).chain(phone.clone()).collect();
        let (known, mut items) = self.known_customer_beside(company, person, RecordRead::ToChange, &wanted).await?;
        let tree = tree_of(take(&mut items, &tree))?;
        let card = card.and_then(|card| take(&mut items, &card)).map(|item| CARD.decode::<Placed>(item)).transpose()?;
        let holder = phone.and_then(|phone| take(&mut items, &phone)).map(phone_holder).transpose()?;
        let departments = card.map(|card| tree.path_of(card.department));
        Ok(RowContext { departments, holder, known })
    }

    /// Adds the customer of a row, with all numbers that count them.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the row was imported or its phone number was taken since they were read.
    pub async fn add_imported(
        &self,
        (company, nobody): (Company, &KnownCustomer),
        new: &NewCustomer,
        addition: &Addition,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_addition(&mut transaction, (company, nobody), new, addition)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The job that has imported a table with this digest, if it was not undone.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn imported_by(&self, company: Company, digest: &str, now: Timestamp) -> Result<Option<JobId>, Failure> {
        let key = keys::import_mark(company, digest);
        let found = self.batch_get(company, &[key], ReadMode::Consistent).await?;
        let mark = found.into_iter().find(|item| !has_expired(item, now));
        mark.map(|item| IMPORT_MARK.decode::<ImportMark>(item).map(|mark| mark.job)).transpose()
    }

    /// What rows of a file are read by: the company's fields and tags. One call.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn row_books(&self, company: Company) -> Result<(CustomFieldBook, TagBook), Failure> {
        let wanted = [BookName::CustomFields.key(company.into()), BookName::Tags.key(company.into())];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let [fields, tags] = wanted.map(|key| take(&mut items, &key));
        Ok((book_of(fields)?, book_of(tags)?))
    }

    /// Adds to a transaction what a job has found in a file. It is kept as long as the file can be used.
    pub(crate) fn add_preview(
        &self,
        transaction: &mut Transaction,
        company: Company,
        job: &Job,
        preview: &TablePreview,
    ) -> Result<(), Failure> {
        let stored = StoredPreview { preview: preview.clone() };
        let mut item = TABLE_PREVIEW.encode(&keys::table_preview(company, job.id), &stored)?;
        expire(&mut item, job.moved_at.plus_millis(KEPT_MS));
        transaction.replace(&self.table, item);
        Ok(())
    }

    /// What a job has found in a file, for a day.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn table_preview(
        &self,
        company: Company,
        job: JobId,
        now: Timestamp,
    ) -> Result<Option<TablePreview>, Failure> {
        let found = self.batch_get(company, &[keys::table_preview(company, job)], ReadMode::Consistent).await?;
        let found = found.into_iter().find(|item| !has_expired(item, now));
        found.map(|item| Ok(TABLE_PREVIEW.decode::<StoredPreview>(item)?.preview)).transpose()
    }

    /// What was wrong with the rows of a job, in their order.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn row_errors(
        &self,
        company: Company,
        job: JobId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Page<RowError, u64>, Failure> {
        let (partition, start) =
            (keys::row_errors(company, job), after.map(|place| keys::row_error(company, job, place)));
        let search = Search { kind: ROW_ERROR, partition: &partition, start, order: Order::OldestFirst, limit };
        let page =
            self.search(search, None::<fn(&StoredRowError) -> bool>, |stored: &StoredRowError| stored.place).await?;
        Ok(Page { items: page.items.into_iter().map(|stored| stored.error).collect(), next: page.next })
    }
}

/// What a file has, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct StoredPreview {
    preview: TablePreview,
}

/// What was wrong with a row, in its place among all.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRowError {
    pub(crate) place: u64,
    #[serde(flatten)]
    pub(crate) error: RowError,
}

/// The errors of rows in their places: one row after the other.
pub(crate) fn placed(errors: &[RowError]) -> Vec<StoredRowError> {
    let mut placed: Vec<StoredRowError> = Vec::with_capacity(errors.len());
    for error in errors {
        let first = u64::from(error.row) * ERRORS_OF_ROW_MAX;
        let place = placed.last().map_or(first, |last| first.max(last.place + 1));
        placed.push(StoredRowError { place, error: error.clone() });
    }
    placed
}
