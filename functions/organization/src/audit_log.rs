//! `GET /v1/audit-log`: who changed what.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor, AuditEntry, AuditFilter};
use domain::field::FieldError;
use domain::text::Code;
use domain::timestamp::Timestamp;
use edge::auth::Boss;
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::{Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
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
    /// `member_added`, `member_joined`, `join_rejected`, `invitation_created`,
    /// `invitation_revoked`, `claim_code_issued`, `member_edited`, `member_status`,
    /// `member_role`, `member_successor`, `member_department`, `card_identity`, `card_contact`,
    /// `card_media`, `card_template`, `seats`, `department_added`, `department_changed`,
    /// `department_removed`, `company_name`, `wecom`, `phrases`, `greeting`,
    /// `radar_granted`, `radar_revoked`, `radar_code`, `close_rate_set`, `close_rate_cleared`,
    /// `deal_recorded`, `deal_removed` or `merge_undone`.
    #[schema(value_type = String)]
    action: AuditAction,
    /// Id of what was changed.
    target: String,
    /// What it was before; empty for something new, the invitation for who joined by one.
    from: String,
    /// What it is now.
    to: String,
}

/// Which changes are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only this action.
    #[param(value_type = Option<String>)]
    action: Option<AuditAction>,
    /// Only changes of the thing with this id.
    #[param(value_type = Option<String>, max_length = 64)]
    target: Option<Code<64>>,
    /// Only changes by this member, or by the `operator`.
    #[param(value_type = Option<String>)]
    actor: Option<Actor>,
}

/// Who made a change.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Actor(AuditActor);

impl TryFrom<String> for Actor {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse().map(Self)
    }
}

impl AuditQuery {
    fn filter(&self) -> AuditFilter {
        let target = self.target.as_ref().map(|target| target.as_str().to_owned());
        AuditFilter { action: self.action, target, actor: self.actor.map(|Actor(actor)| actor) }
    }
}

/// List the audit log
///
/// The latest change first. With a filter a page may be short and not the last: go on
/// while there is a `next_cursor`. For the boss.
#[utoipa::path(get, path = "/v1/audit-log", tag = "organization", security(("bearer" = [])), params(PageParams, AuditQuery),
    responses((status = 200, body = PageBody<AuditLine>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_audit_log(
    State(app): State<App>,
    boss: Boss,
    paging: Paging<AuditQuery>,
) -> Result<Json<PageBody<AuditLine>>, Problem> {
    let page = app.store.audit_log(boss.company(), &paging.filter.filter(), paging.position()?, paging.limit).await?;
    let line =
        |AuditEntry { id, at, actor, action, target, from, to }| AuditLine { id, at, actor, action, target, from, to };
    Ok(Json(paging.page(page.items.into_iter().map(line).collect(), page.next)))
}
