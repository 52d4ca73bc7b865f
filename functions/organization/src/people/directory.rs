//! `GET /v1/directory`: the colleagues, as every member sees them.

use axum::Json;
use axum::extract::State;
use domain::kernel::id::{CardId, DepartmentId};
use domain::people::member::{self, MemberStatus, PersonName, Position};
use edge::auth::Staff;
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use store::MemberFilter;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::people::member::{DepartmentSummary, among};

/// The public data of an active member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Colleague {
    /// The name.
    name: PersonName,
    /// The job title. Empty if there is none.
    position: Position,
    /// The department. `null` if there is none.
    department: Option<DepartmentSummary>,
    /// The card. `null` if there is none.
    card_id: Option<CardId>,
}

/// The filter of the directory.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DirectoryQuery {
    /// Only members whose name or position contains this text.
    #[param(inline)]
    q: Option<PersonName>,
    /// Only members of this department and the departments below it.
    #[param(inline)]
    department: Option<DepartmentId>,
}

/// List active colleagues
///
/// Lists the active members of the company with their cards, the first added first. A page with a
/// filter can be short without being the last: continue while `next_cursor` is not null. Callers:
/// members. Idempotent. Errors: 403 `role_required` for visitors; 404 `not_found` for an unknown
/// `department`.
#[utoipa::path(get, path = "/v1/directory", tag = "organization", params(PageParams, DirectoryQuery),
    responses((status = 200, body = PageBody<Colleague>)))]
pub(crate) async fn list_directory(
    State(app): State<App>,
    member: Staff,
    paging: Paging<DirectoryQuery>,
) -> Result<Json<PageBody<Colleague>>, Problem> {
    let tree = app.store.departments(member.company()).await?;
    let words = paging.filter.q.as_ref().map(ToString::to_string);
    let departments = among(&tree, paging.filter.department)?;
    let filter = MemberFilter { status: Some(MemberStatus::Active), words, departments, ..MemberFilter::default() };
    let page = app.store.list_members(member.company(), &filter, paging.position()?, paging.limit).await?;
    let colleague = |found: member::Member| Colleague {
        department: DepartmentSummary::of(&found, &tree),
        name: found.name,
        position: found.position,
        card_id: found.card,
    };
    Ok(Json(paging.page(page.items.into_iter().map(colleague).collect(), page.next)))
}
