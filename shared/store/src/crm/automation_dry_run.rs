//! What dry runs of automation have found: an item for each, beside its job.

use domain::company::Company;
use domain::crm::automation_dry_run::DryRunState;
use domain::crm::job::{JOB_KEPT_MS, Job};
use domain::kernel::failure::Failure;
use domain::kernel::id::JobId;

use crate::table::item::{Item, expire, number};
use crate::table::kinds::DRY_RUN;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

impl Store {
    /// How far a dry run is, and what it has found; nothing before its first step.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn dry_run(&self, company: Company, job: JobId) -> Result<DryRunState, Failure> {
        Ok(self.get_latest(company, &keys::dry_run(company, job), DRY_RUN).await?.unwrap_or_default())
    }

    /// Stores what a step of a dry run has found.
    ///
    /// # Errors
    /// [`Failure::Busy`] when another worker has stored this step or a later one.
    pub async fn put_dry_run(&self, company: Company, job: &Job, state: &DryRunState) -> Result<(), Failure> {
        let mut item = DRY_RUN.encode(&keys::dry_run(company, job.id), state)?;
        expire(&mut item, job.started_at.plus_millis(JOB_KEPT_MS));
        let mut transaction = Transaction::default();
        // A worker who was overtaken does not put back what others have found since.
        let values = Item::from([(":step".to_owned(), number(state.step))]);
        transaction.put(&self.table, item, "attribute_not_exists(#pk) OR step < :step", values, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
