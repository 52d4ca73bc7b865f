//! Reading the list of customers.

use domain::close_rate::model::Model;
use domain::company::Company;
use domain::crm::list::KindCounts;
use domain::crm::row::CustomerRow;
use domain::crm::tag::TagBook;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;

use crate::close_rate::model::model_of;
use crate::crm::book::book_of;
use crate::crm::list::{COUNT_SHARDS, counts_of, row_of};
use crate::keys::Key;
use crate::table::batch_get::ReadMode;
use crate::table::item::Item;
use crate::table::kinds::{CUSTOMER_ROW, LIST_COUNTS, MODEL};
use crate::{Store, keys};

/// Rows of a list, with what they are read by.
#[derive(Debug, Default)]
pub struct CustomerList {
    /// The rows: all of them, the oldest customer first, or those of a page, the newest first.
    pub rows: Vec<CustomerRow>,
    /// How many customers the company has of each kind.
    pub counts: KindCounts,
    /// The model of the ranks.
    pub model: Model,
    /// The company's tags.
    pub tags: TagBook,
}

impl CustomerList {
    /// Takes in a row or a part of the numbers. A row that cannot be read is left out: it is made anew with
    /// the next thing that happens to the customer, and each night.
    fn take(&mut self, item: &Item) -> Result<(), Failure> {
        if CUSTOMER_ROW.is_of(item) {
            match row_of(item) {
                Ok(row) => self.rows.push(row),
                Err(failure) => tracing::warn!(cause = %failure, "a row of the list was left out"),
            }
        } else if LIST_COUNTS.is_of(item) {
            self.add_counts(item)?;
        }
        Ok(())
    }

    fn add_counts(&mut self, item: &Item) -> Result<(), Failure> {
        for (kind, count) in counts_of(item)? {
            let sum = self.counts.0.entry(kind).or_default();
            *sum = sum.saturating_add_signed(count);
        }
        Ok(())
    }
}

impl Store {
    /// Every customer of the company, as of the last write. Two calls, and one more for each further
    /// megabyte of rows.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when tags or model cannot be read.
    pub async fn customer_list(&self, company: Company) -> Result<CustomerList, Failure> {
        let mut list = self.list_without_rows(company, &[]).await?;
        let (partition, mut start) = (keys::customer_list(company), None);
        loop {
            let page = self.page_latest(&partition, start).await?;
            page.items.iter().try_for_each(|item| list.take(item))?;
            start = page.next;
            if start.is_none() {
                return Ok(list);
            }
        }
    }

    /// The newest customers after one, as of the last write: at most `limit`, and whether there are more.
    /// Two calls.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when tags or model cannot be read.
    pub async fn newest_customers(
        &self,
        company: Company,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<(CustomerList, bool), Failure> {
        // The first page reads the numbers on its way to the rows.
        let shards: Vec<_> = (0..COUNT_SHARDS).map(|shard| keys::list_counts(company, shard)).collect();
        let beside = if after.is_some() { &shards[..] } else { &[] };
        let mut list = self.list_without_rows(company, beside).await?;
        let (partition, start) = (keys::customer_list(company), after.map(|after| keys::customer_row(company, after)));
        let most = limit + 1 + u32::from(COUNT_SHARDS);
        let page = self.newest_latest(&partition, start, most).await?;
        page.items.iter().try_for_each(|item| list.take(item))?;
        let more = list.rows.len() > limit as usize || page.next.is_some();
        list.rows.truncate(limit as usize);
        Ok((list, more))
    }

    async fn list_without_rows(&self, company: Company, beside: &[Key]) -> Result<CustomerList, Failure> {
        let (model, book) = (keys::close_rate_model(company), keys::tag_book(company));
        let wanted: Vec<_> = [model, book.clone()].into_iter().chain(beside.iter().cloned()).collect();
        let mut list = CustomerList::default();
        for item in self.batch_get(company, &wanted, ReadMode::Eventual).await? {
            if MODEL.is_of(&item) {
                list.model = model_of(item)?;
            } else if Key::of(&item).as_ref() == Some(&book) {
                list.tags = book_of(Some(item))?;
            } else {
                list.add_counts(&item)?;
            }
        }
        Ok(list)
    }
}
