//! What the audit log is told of changes to what a company sets for all.

use domain::audit::{AuditAction, AuditChange, AuditEntry};
use domain::failure::Failure;
use edge::auth::Admin;
use serde::Serialize;

use crate::App;

/// The entry of a change of what is set for the whole company.
pub(crate) fn of_company(
    app: &App,
    admin: &Admin,
    action: AuditAction,
    from: String,
    to: String,
) -> Result<AuditEntry, Failure> {
    let change = AuditChange { action, target: admin.company().id().to_string(), from, to };
    app.ids.audit_entry(app.clock.now(), admin.audit_actor(), change)
}

/// A value as an entry tells it.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Corrupt(error.to_string()))
}
