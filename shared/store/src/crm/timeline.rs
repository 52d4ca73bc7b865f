//! The timelines of customers: a partition for each identity.

use domain::company::Company;
use domain::crm::timeline::TimelineEntry;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;

use crate::keys;
use crate::table::kinds::TIMELINE_ENTRY;
use crate::table::transaction::Transaction;

/// Adds an entry to a transaction.
pub(crate) fn add_timeline_entry(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    entry: &TimelineEntry,
) -> Result<(), Failure> {
    let item = TIMELINE_ENTRY.encode(&keys::timeline_entry(company, person, entry.id), entry)?;
    transaction.create(table, item, Failure::Busy);
    Ok(())
}
