//! The audit log.

use domain::audit::AuditEntry;
use domain::company::Company;
use domain::failure::Failure;
use uuid::Uuid;

use crate::item::Kind;
use crate::read::Order;
use crate::transaction::Transaction;
use crate::{Page, Store, keys};

const AUDIT: Kind = Kind::new("audit", 1);

/// Adds an entry to the transaction of the change it tells of.
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
    /// The entries of a company, the latest first.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn audit_log(
        &self,
        company: Company,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Page<AuditEntry, Uuid>, Failure> {
        let start = after.map(|entry| keys::audit_entry(company, entry));
        let page = self.query(&keys::audit_log(company), start, limit, Order::NewestFirst).await?;
        let items: Vec<AuditEntry> = page.items.into_iter().map(|item| AUDIT.decode(item)).collect::<Result<_, _>>()?;
        let next = page.next.and_then(|_| items.last().map(|entry| entry.id));
        Ok(Page { items, next })
    }
}
