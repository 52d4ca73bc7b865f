//! Audit log entries for changes to the company's settings.

use domain::company::audit::{AuditAction, AuditChange, AuditEntry};
use domain::kernel::failure::Failure;
use edge::auth::Admin;
use serde::Serialize;

use crate::App;

/// The entry for a change to a setting of the whole company.
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

/// A value as the audit log shows it.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Corrupt(error.to_string()))
}
