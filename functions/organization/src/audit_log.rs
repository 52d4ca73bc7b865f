//! `GET /v1/audit-log`: who changed what.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor, AuditChange, AuditEntry};
use domain::timestamp::Timestamp;
use edge::auth::Boss;
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditLine {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: `{type: "member", id}`, or `{type: "operator"}`.
    #[schema(value_type = Object)]
    actor: AuditActor,
    /// `member_added`, `member_status`, `member_role`, `card_identity`, `card_contact`,
    /// `card_media`, `card_template` or `seats`.
    #[schema(value_type = String)]
    action: AuditAction,
    /// Id of what was changed.
    target: String,
    /// What it was before; empty for something new.
    from: String,
    /// What it is now.
    to: String,
}

/// List the audit log
///
/// The latest change first. For the boss.
#[utoipa::path(get, path = "/v1/audit-log", tag = "organization", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = PageBody<AuditLine>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_audit_log(
    State(app): State<App>,
    boss: Boss,
    paging: Paging,
) -> Result<Json<PageBody<AuditLine>>, Problem> {
    let page = app.store.audit_log(boss.company(), paging.position()?, paging.limit).await?;
    let line =
        |AuditEntry { id, at, actor, action, target, from, to }| AuditLine { id, at, actor, action, target, from, to };
    Ok(Json(paging.page(page.items.into_iter().map(line).collect(), page.next)))
}

/// An entry about something that happens now.
pub(crate) fn entry(
    app: &App,
    actor: AuditActor,
    action: AuditAction,
    target: String,
    from: impl Into<String>,
    to: impl Into<String>,
) -> Result<AuditEntry, Problem> {
    let change = AuditChange { action, target, from: from.into(), to: to.into() };
    Ok(app.ids.audit_entry(app.clock.now(), actor, change)?)
}
