//! `GET /v1/audit-log`: who changed what.

use axum::Json;
use axum::extract::State;
use domain::company::audit::{AuditAction, AuditActor, AuditEntry, AuditFilter};
use domain::kernel::field::FieldError;
use domain::kernel::text::OpaqueText;
use domain::kernel::timestamp::Timestamp;
use edge::auth::Boss;
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;

/// A change in the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditLine {
    /// The id of the change, a UUIDv7.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// When the change was made.
    at: Timestamp,
    /// Who made the change: a member, or the platform operator.
    actor: AuditActor,
    /// The kind of change.
    action: AuditAction,
    /// The id of the thing that was changed.
    target: String,
    /// The value before. Empty for a new thing; the id of the invitation for a member who joined by
    /// one.
    from: String,
    /// The value after.
    to: String,
}

/// The filter of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only changes with this action.
    #[param(inline)]
    action: Option<AuditAction>,
    /// Only changes of the thing with this id.
    #[param(value_type = Option<String>, max_length = 64)]
    target: Option<OpaqueText<64>>,
    /// Only changes by this member (`mem_…`), or by the platform operator (`operator`).
    #[param(value_type = Option<String>)]
    actor: Option<AuditActorBody>,
}

/// Who made a change.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct AuditActorBody(AuditActor);

impl TryFrom<String> for AuditActorBody {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse().map(Self)
    }
}

impl AuditQuery {
    fn filter(&self) -> AuditFilter {
        let target = self.target.as_ref().map(|target| target.as_str().to_owned());
        AuditFilter { action: self.action, target, actor: self.actor.map(|AuditActorBody(actor)| actor) }
    }
}

/// List the audit log
///
/// Lists who changed what, the latest change first. A page with a filter can be short without being
/// the last: continue while `next_cursor` is not null. Callers: the boss. Idempotent. Errors: 403
/// `role_required` for other callers.
#[utoipa::path(get, path = "/v1/audit-log", tag = "organization", params(PageParams, AuditQuery),
    responses((status = 200, body = PageBody<AuditLine>)))]
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
