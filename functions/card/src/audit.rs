//! What the audit log is told of changes to cards, and to what a company sets for all.

use domain::audit::{AuditAction, AuditChange, AuditEntry};
use domain::card::Card;
use domain::failure::Failure;
use edge::auth::{Admin, Caller};
use edge::problem::Problem;
use serde::Serialize;

use crate::App;

/// The entry of a change of a card; none when its owner makes it.
pub(crate) fn of_card<T: Serialize>(
    app: &App,
    caller: &Caller,
    card: &Card,
    action: AuditAction,
    from: &T,
    to: &T,
) -> Result<Option<AuditEntry>, Problem> {
    let Some(actor) = caller.audit_actor().filter(|_| !caller.owns(card.id)) else { return Ok(None) };
    let change = AuditChange { action, target: card.id.to_string(), from: json(from)?, to: json(to)? };
    Ok(Some(app.ids.audit_entry(app.clock.now(), actor, change)?))
}

/// The entry of a change of what is set for the whole company.
pub(crate) fn of_company(
    app: &App,
    admin: &Admin,
    action: AuditAction,
    from: String,
    to: String,
) -> Result<AuditEntry, Problem> {
    let change = AuditChange { action, target: admin.company().id().to_string(), from, to };
    Ok(app.ids.audit_entry(app.clock.now(), admin.audit_actor(), change)?)
}

/// A value as an entry tells it.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Failure::Corrupt(error.to_string()).into())
}
