//! The list of a company with many customers, packed: reading it row by row would take dozens of calls.
//!
//! Blocks hold all rows as of a fold. From then on every writer of a row leaves a copy of it beside the
//! head, and housekeeping folds these copies into new blocks when they are many. Blocks never change; those
//! of the fold before last are deleted, so whoever has read a head finds its blocks.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::Company;
use domain::crm::row::CustomerRow;
use domain::crm::row::packed::{pack_rows, unpack_rows};
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use serde::{Deserialize, Serialize};

use crate::crm::list::{ListChange, change_of, counts_of, row_of};
use crate::keys::Key;
use crate::table::batch_get::ReadMode;
use crate::table::error::failure;
use crate::table::item::Item;
use crate::table::kinds::{CUSTOMER_ROW, LIST_BLOCK, LIST_COUNTS, LIST_HEAD};
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// With fewer customers the rows are read themselves: they are less than a megabyte.
const ROWS_MIN: u64 = 2_500;
/// So many copies are folded: they are some hundred kilobytes.
const CHANGES_MAX: usize = 2_000;
/// Most blocks: with the other keys of a list they are read in one call.
const BLOCKS_MAX: usize = 90;
/// Fewest rows of a block.
const BLOCK_ROWS_MIN: usize = 1_000;
/// How long after the head was made the rows are read first: then every writer knows of it.
const SETTLED_MS: i64 = 60 * SECOND_MS;
/// Copies deleted together.
const TOGETHER: usize = 90;
/// Name of the attribute with the rows of a block.
const ROWS: &str = "rows";

/// Where the blocks of a company are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListHead {
    version: u64,
    /// When it was made.
    since_ms: i64,
    /// How often was folded; 0 as long as there are no blocks.
    fold: u64,
    blocks: u32,
    /// Blocks of the fold before.
    blocks_before: u32,
}

/// Customers by their first identity; none of those who are no customers any more.
type Rows = BTreeMap<PersonId, Option<CustomerRow>>;

impl ListHead {
    pub(crate) fn of(item: Item) -> Result<Self, Failure> {
        LIST_HEAD.decode(item)
    }

    /// Whether there are blocks.
    pub(crate) fn is_ready(&self) -> bool {
        self.fold > 0
    }

    pub(crate) fn blocks(&self, company: Company) -> Vec<Key> {
        (0..self.blocks).map(|number| keys::list_block(company, self.fold, number)).collect()
    }
}

/// The rows of a block.
pub(crate) fn block_of(item: &Item) -> Result<Vec<CustomerRow>, Failure> {
    LIST_BLOCK.check(item)?;
    let rows = item.get(ROWS).and_then(|rows| rows.as_b().ok());
    rows.and_then(|rows| unpack_rows(rows.as_ref())).ok_or_else(|| LIST_BLOCK.corrupt(ROWS))
}

impl Store {
    /// The head of a company's blocks and the copies of rows since, as of the last write.
    pub(crate) async fn list_changes(&self, company: Company) -> Result<(ListHead, Vec<ListChange>), Failure> {
        let (mut head, mut changes) = (ListHead::default(), Vec::new());
        for item in self.all_latest(&keys::list_changes(company)).await? {
            if LIST_HEAD.is_of(&item) {
                head = ListHead::of(item)?;
            } else {
                match change_of(&item) {
                    Ok(change) => changes.push(change),
                    Err(failure) => tracing::warn!(cause = %failure, "a copy of a row was left out"),
                }
            }
        }
        Ok((head, changes))
    }

    /// Packs the list of a company that has many customers, or folds what has changed since, if that is
    /// much. Returns whether blocks were written.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else does, and those of the table.
    pub async fn fold_list(&self, company: Company, now: Timestamp) -> Result<bool, Failure> {
        let shards = keys::all_list_counts(company);
        let wanted: Vec<_> = shards.iter().cloned().chain([keys::list_head(company)]).collect();
        let (mut customers, mut head) = (0, None);
        for item in self.batch_get(company, &wanted, ReadMode::Consistent).await? {
            if LIST_COUNTS.is_of(&item) {
                customers += counts_of(&item)?.get(&domain::crm::list_kind::CustomerListKind::All).unwrap_or(&0);
            } else {
                head = Some(ListHead::of(item)?);
            }
        }
        match head {
            None if customers < i64::try_from(ROWS_MIN).unwrap_or(i64::MAX) => Ok(false),
            None => {
                self.put_list_head(company, ListHead { since_ms: now.millis(), ..ListHead::default() }).await?;
                Ok(false)
            }
            Some(head) if head.is_ready() => self.fold_changes(company).await,
            Some(head) if head.since_ms + SETTLED_MS <= now.millis() => self.fold_rows(company, head).await,
            Some(_) => Ok(false),
        }
    }

    /// Blocks of the rows themselves, which are read last: they have all that the copies say.
    async fn fold_rows(&self, company: Company, head: ListHead) -> Result<bool, Failure> {
        let (_, changes) = self.list_changes(company).await?;
        let mut rows = Rows::new();
        for item in self.all_latest(&keys::customer_list(company)).await? {
            if let Some(row) = CUSTOMER_ROW.is_of(&item).then(|| row_of(&item).ok()).flatten() {
                rows.insert(row.person, Some(row));
            }
        }
        self.write_fold(company, head, rows, &changes).await?;
        Ok(true)
    }

    async fn fold_changes(&self, company: Company) -> Result<bool, Failure> {
        let (head, changes) = self.list_changes(company).await?;
        if changes.len() < CHANGES_MAX {
            return Ok(false);
        }
        let mut rows = Rows::new();
        let blocks = head.blocks(company);
        let items = self.batch_get(company, &blocks, ReadMode::Consistent).await?;
        if items.len() < blocks.len() {
            // Somebody else has folded since.
            return Err(Failure::Busy);
        }
        for item in &items {
            // Blocks that cannot be read are made anew.
            let Ok(block) = block_of(item) else { return self.fold_rows(company, head).await };
            rows.extend(block.into_iter().map(|row| (row.person, Some(row))));
        }
        rows.extend(changes.iter().map(|change| (change.person, change.row.clone())));
        self.write_fold(company, head, rows, &changes).await?;
        Ok(true)
    }

    /// Writes new blocks with these changes, then the head, and removes what nobody needs any more.
    async fn write_fold(
        &self,
        company: Company,
        head: ListHead,
        rows: Rows,
        changes: &[ListChange],
    ) -> Result<(), Failure> {
        let rows: Vec<_> = rows.into_values().flatten().collect();
        let size = rows.len().div_ceil(BLOCKS_MAX).max(BLOCK_ROWS_MIN);
        let mut blocks = 0;
        for some in rows.chunks(size) {
            let mut item = LIST_BLOCK.item(keys::list_block(company, head.fold + 1, blocks));
            item.insert(ROWS.to_owned(), AttributeValue::B(Blob::new(pack_rows(some.iter()))));
            self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.map_err(failure)?;
            blocks += 1;
        }
        let next = ListHead { fold: head.fold + 1, blocks, blocks_before: head.blocks, ..head.clone() };
        self.put_list_head(company, next).await?;
        self.remove_changes(company, changes).await?;
        let mut transaction = Transaction::default();
        for number in 0..head.blocks_before {
            transaction.remove(&self.table, &keys::list_block(company, head.fold.saturating_sub(1), number));
        }
        if transaction.len() > 0 {
            self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        }
        Ok(())
    }

    async fn put_list_head(&self, company: Company, head: ListHead) -> Result<(), Failure> {
        let next = ListHead { version: head.version + 1, ..head.clone() };
        let (condition, values) = at_version(head.version);
        let mut transaction = Transaction::default();
        let item = LIST_HEAD.encode(&keys::list_head(company), &next)?;
        transaction.put(&self.table, item, condition, values, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Removes copies that are in the blocks; one that was replaced since stays.
    async fn remove_changes(&self, company: Company, changes: &[ListChange]) -> Result<(), Failure> {
        for some in changes.chunks(TOGETHER) {
            let mut transaction = Transaction::default();
            some.iter().for_each(|change| change.remove(&mut transaction, &self.table, company));
            match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
                Err(Failure::Busy) => {
                    for change in some {
                        let mut transaction = Transaction::default();
                        change.remove(&mut transaction, &self.table, company);
                        match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
                            Ok(()) | Err(Failure::Busy) => {}
                            failed => failed?,
                        }
                    }
                }
                done => done?,
            }
        }
        Ok(())
    }
}
