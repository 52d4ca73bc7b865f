//! What the audit log is told of changes to cards and their template.

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

/// The entry of a change of the template.
pub(crate) fn of_template<T: Serialize>(app: &App, admin: &Admin, to: &T) -> Result<AuditEntry, Problem> {
    let target = admin.company().id().to_string();
    let change = AuditChange { action: AuditAction::CardTemplate, target, from: String::new(), to: json(to)? };
    Ok(app.ids.audit_entry(app.clock.now(), admin.audit_actor(), change)?)
}

fn json<T: Serialize>(value: &T) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Failure::Corrupt(error.to_string()).into())
}
