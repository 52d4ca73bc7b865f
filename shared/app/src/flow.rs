//! What every flow works with.

use domain::company::audit::{AuditAction, AuditActor, AuditEntry};
use domain::kernel::failure::Failure;
use domain::kernel::id::Id;
use domain::kernel::timestamp::Timestamp;
use runtime::ids::Ids;
use serde::Serialize;
use store::Store;
use uuid::Uuid;

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

    /// Returns a new id of this moment that has no type.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without randomness.
    pub fn uuid(&self) -> Result<Uuid, Failure> {
        self.ids.uuid(self.now).map_err(|error| Failure::Unavailable(error.to_string()))
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
        let id = self.uuid()?;
        let (target, from, to) = (target.to_string(), from.into(), to.into());
        Ok(AuditEntry { id, at: self.now, actor, action, target, from, to })
    }

    /// Returns an entry of the audit log that shows a value before and after a change, in JSON;
    /// `None` is an empty text.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without randomness, [`Failure::Corrupt`] for a value that JSON
    /// cannot hold.
    pub fn audit_change<T: Serialize>(
        &self,
        actor: AuditActor,
        action: AuditAction,
        target: impl ToString,
        before: Option<T>,
        after: Option<T>,
    ) -> Result<AuditEntry, Failure> {
        self.audit_entry(actor, action, target, audit_text(before)?, audit_text(after)?)
    }
}

/// Returns a value as an audit entry holds it: in JSON, and empty for none.
fn audit_text<T: Serialize>(value: Option<T>) -> Result<String, Failure> {
    let json = value.map(|value| serde_json::to_string(&value)).transpose();
    json.map(Option::unwrap_or_default).map_err(|error| Failure::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_audit_entry_holds_json_and_nothing_for_no_value() {
        assert_eq!(audit_text(Some([1, 2])).unwrap(), "[1,2]");
        assert_eq!(audit_text(Some("茶")).unwrap(), "\"茶\"");
        assert_eq!(audit_text(None::<&str>).unwrap(), "");
    }

    #[test]
    fn a_value_that_json_cannot_hold_is_a_failure() {
        let keyed_by_pairs = BTreeMap::from([((1, 2), 3)]);
        assert!(matches!(audit_text(Some(keyed_by_pairs)), Err(Failure::Corrupt(_))));
    }
}
