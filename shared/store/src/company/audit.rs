//! The audit log.

use domain::company::Company;
use domain::company::audit::{AuditEntry, AuditFilter};
use domain::kernel::failure::Failure;
use uuid::Uuid;

use crate::table::kinds::AUDIT;
use crate::table::read::Order;
use crate::table::transaction::Transaction;
use crate::{Page, Store, keys};

/// Most entries looked through for a page of a filtered log; fewer when they fill the
/// megabyte of one call.
const FILTER_READ_MAX: u32 = 300;

/// Adds an entry to the transaction of the change it describes.
pub(crate) fn add_entry(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    entry: &AuditEntry,
) -> Result<(), Failure> {
    transaction.create(table, AUDIT.encode(&keys::audit_entry(company, entry.id), entry)?, Failure::Busy);
    Ok(())
}

impl Store {
    /// The entries of a company that pass the filter, the latest first. A filter looks
    /// through as many entries as one call reads, so a page may be short and not the last.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn audit_log(
        &self,
        company: Company,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Page<AuditEntry, Uuid>, Failure> {
        let start = after.map(|entry| keys::audit_entry(company, entry));
        let read = if filter.is_open() { limit } else { FILTER_READ_MAX };
        let page = self.query(&keys::audit_log(company), start, read, Order::NewestFirst).await?;
        let found: Vec<AuditEntry> = page.items.into_iter().map(|item| AUDIT.decode(item)).collect::<Result<_, _>>()?;
        let mut next = page.next.and_then(|_| found.last().map(|entry| entry.id));
        let mut items: Vec<_> = found.into_iter().filter(|entry| filter.passes(entry)).collect();
        if items.len() > limit as usize {
            items.truncate(limit as usize);
            next = items.last().map(|entry| entry.id);
        }
        Ok(Page { items, next })
    }
}
