//! Reading the list of customers.

use std::collections::BTreeSet;

use domain::close_rate::model::Model;
use domain::company::Company;
use domain::crm::list_kind::KindCounts;
use domain::crm::row::CustomerRow;
use domain::crm::tag::TagBook;
use domain::crm::view::ViewBook;
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, PersonId};

use crate::close_rate::model::model_of;
use crate::company::book::{BookName, BookPlace, book_of};
use crate::crm::customer_rules::rules_of;
use crate::crm::list::{counts_of, row_of};
use crate::crm::list_blocks::{ListHead, block_of};
use crate::keys::Key;
use crate::table::batch_get::ReadMode;
use crate::table::item::Item;
use crate::table::kinds::{CUSTOMER_ROW, CUSTOMER_RULES, LIST_BLOCK, LIST_COUNTS, LIST_HEAD, MODEL, VIEW_BOOK};
use crate::table::read::Order;
use crate::{Store, keys};

/// Rows of a list, with what they are read by.
#[derive(Debug, Default)]
pub struct CustomerList {
    /// The rows: all of them in no order, or those of a page, the newest first.
    pub rows: Vec<CustomerRow>,
    /// How many customers the company has of each kind.
    pub counts: KindCounts,
    /// The model of the ranks.
    pub model: Model,
    /// The company's tags.
    pub tags: TagBook,
    /// Whether the contacts of those whom nobody owns are hidden.
    pub contacts_hidden: bool,
    /// The views that were asked for: the member's own, and the company's.
    pub views: [ViewBook; 2],
    /// How many blocks were read.
    blocks: usize,
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

    /// A block that cannot be read is none: then the rows are read themselves.
    fn take_block(&mut self, item: &Item) {
        match block_of(item) {
            Ok(rows) => {
                self.rows.extend(rows);
                self.blocks += 1;
            }
            Err(failure) => tracing::warn!(cause = %failure, "a block of the list cannot be read"),
        }
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
    /// Every customer of the company, as of the last write, and the views that a member may use, if they are
    /// asked for. Two calls: with few customers by their rows, with
    /// many by blocks and what has changed since. A process that meets a company with blocks for the first
    /// time in a minute makes one more; so does each further megabyte of rows that are in no block yet.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when tags or model cannot be read.
    pub async fn customer_list(&self, company: Company, views_of: Option<MemberId>) -> Result<CustomerList, Failure> {
        let views: Vec<_> = views_of.into_iter().flat_map(|member| view_books(company, member)).collect();
        if self.packed_lists.known(company.id(), self.retry.elapsed()).is_some()
            && let Some(list) = self.packed_list(company, &views).await?
        {
            return Ok(list);
        }
        let (mut list, is_packed) =
            self.list_without_rows(company, &[&views[..], &[keys::list_head(company)]].concat()).await?;
        if is_packed {
            self.packed_lists.remember(company.id(), self.retry.elapsed(), ());
            if let Some(list) = self.packed_list(company, &views).await? {
                return Ok(list);
            }
        }
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
        let beside = if after.is_some() { keys::all_list_counts(company) } else { Vec::new() };
        let (mut list, _) = self.list_without_rows(company, &beside).await?;
        let (partition, start) = (keys::customer_list(company), after.map(|after| keys::customer_row(company, after)));
        let most = limit + 1 + u32::from(keys::COUNT_SHARDS);
        let page = self.some_latest(&partition, start, (Order::NewestFirst, most)).await?;
        page.items.iter().try_for_each(|item| list.take(item))?;
        let more = list.rows.len() > limit as usize || page.next.is_some();
        list.rows.truncate(limit as usize);
        Ok((list, more))
    }

    /// Every customer, by blocks and what has changed since; `None` without blocks, and when they were
    /// replaced meanwhile or cannot be read.
    async fn packed_list(&self, company: Company, views: &[Key]) -> Result<Option<CustomerList>, Failure> {
        let (head, changes) = self.list_changes(company).await?;
        if !head.is_ready() {
            return Ok(None);
        }
        let blocks = head.blocks(company);
        let (mut list, _) = self.list_without_rows(company, &[views, &blocks[..]].concat()).await?;
        if list.blocks < blocks.len() {
            return Ok(None);
        }
        let changed: BTreeSet<_> = changes.iter().map(|change| change.person).collect();
        list.rows.retain(|row| !changed.contains(&row.person));
        list.rows.extend(changes.into_iter().filter_map(|change| change.row));
        Ok(Some(list))
    }

    /// What is read by key, and whether there are blocks.
    async fn list_without_rows(&self, company: Company, beside: &[Key]) -> Result<(CustomerList, bool), Failure> {
        let (model, book) = (keys::close_rate_model(company), keys::tag_book(company));
        let wanted: Vec<_> =
            [model, book.clone(), keys::customer_rules(company)].into_iter().chain(beside.iter().cloned()).collect();
        let (mut list, mut is_packed) = (CustomerList::default(), false);
        for item in self.batch_get(company, &wanted, ReadMode::Eventual).await? {
            if MODEL.is_of(&item) {
                list.model = model_of(item)?;
            } else if Key::of(&item).as_ref() == Some(&book) {
                list.tags = book_of(Some(item))?;
            } else if CUSTOMER_RULES.is_of(&item) {
                list.contacts_hidden = rules_of(Some(item))?.contacts_hidden;
            } else if LIST_BLOCK.is_of(&item) {
                list.take_block(&item);
            } else if VIEW_BOOK.is_of(&item) {
                let is_company = Key::of(&item) == Some(BookName::Views.key(company.into()));
                list.views[usize::from(is_company)] = book_of(Some(item))?;
            } else if LIST_HEAD.is_of(&item) {
                is_packed = ListHead::of(item)?.is_ready();
            } else {
                list.add_counts(&item)?;
            }
        }
        Ok((list, is_packed))
    }
}

/// The views that a member may use: their own, and the company's.
fn view_books(company: Company, member: MemberId) -> [Key; 2] {
    [Some(member), None].map(|member| BookName::Views.key(BookPlace { company, member }))
}
