//! What every flow works with.

use domain::company::audit::{AuditAction, AuditActor, AuditChange, AuditEntry};
use domain::kernel::failure::Failure;
use domain::kernel::id::Id;
use domain::kernel::timestamp::Timestamp;
use runtime::ids::Ids;
use store::Store;

/// The table, a source of new ids, and the moment of the action: one for all it does.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    /// The table.
    pub store: &'a Store,
    /// Makes ids.
    pub ids: &'a Ids,
    /// When the action happens.
    pub now: Timestamp,
}

impl Flow<'_> {
    /// Returns a new id of this moment.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without randomness.
    pub fn new_id<T: Id>(&self) -> Result<T, Failure> {
        self.ids.new_id(self.now).map_err(|error| Failure::Unavailable(error.to_string()))
    }

    /// Returns an entry of the audit log about a change that `actor` makes now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without randomness.
    pub fn audit_entry(
        &self,
        actor: AuditActor,
        action: AuditAction,
        target: impl ToString,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Result<AuditEntry, Failure> {
        let change = AuditChange { action, target: target.to_string(), from: from.into(), to: to.into() };
        self.ids.audit_entry(self.now, actor, change)
    }
}
