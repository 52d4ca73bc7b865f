//! Merges of identities: made at a login or a phone grant; listed and undone by admins.

use app::crm::merge::{self, MergeOutcome};
use axum::Json;
use axum::extract::State;
use domain::id::{MemberId, MergeId, PersonId};
use domain::merge::{Merge, MergeReason, Tie};
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A merge.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergeBody {
    #[schema(value_type = String)]
    id: MergeId,
    /// The identity that stands for more: who logged in, who granted the number.
    #[schema(value_type = String)]
    person_id: PersonId,
    /// The other one: who was anonymous, who had granted the number before.
    #[schema(value_type = String)]
    other_person_id: PersonId,
    /// `login` or `phone`.
    #[schema(value_type = String)]
    reason: MergeReason,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `active` or `undone`.
    state: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    undone_at: Option<Timestamp>,
    /// The member who did it.
    #[schema(value_type = Option<String>)]
    undone_by: Option<MemberId>,
}

impl From<Merge> for MergeBody {
    fn from(merge: Merge) -> Self {
        let Merge { tie: Tie { merge: id, a, b }, reason, at, undone } = merge;
        Self {
            id,
            person_id: a,
            other_person_id: b,
            reason,
            at,
            state: if undone.is_some() { "undone" } else { "active" },
            undone_at: undone.map(|undone| undone.at),
            undone_by: undone.map(|undone| undone.by),
        }
    }
}

/// What came of merging two identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MergeOutcome)]
pub(crate) enum MergeOutcomeBody {
    /// They are one person, now or since an earlier time.
    Done,
    /// They are not, and trying again does not help.
    Refused,
    /// Something was in the way: try again.
    Later,
}

impl From<MergeOutcome> for MergeOutcomeBody {
    fn from(outcome: MergeOutcome) -> Self {
        match outcome {
            MergeOutcome::Done => Self::Done,
            MergeOutcome::Refused => Self::Refused,
            MergeOutcome::Later => Self::Later,
        }
    }
}

/// List merges
///
/// Which identities count as one person, the latest merge first, undone ones too.
#[utoipa::path(get, path = "/v1/merges", tag = "organization", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = PageBody<MergeBody>), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn list_merges(
    State(app): State<App>,
    admin: Admin,
    paging: Paging,
) -> Result<Json<PageBody<MergeBody>>, Problem> {
    let page = app.store.list_merges(admin.company(), paging.position()?, paging.limit).await?;
    Ok(Json(paging.page(page.items.into_iter().map(MergeBody::from).collect(), page.next)))
}

/// Undo a merge
///
/// The two count as different people again, for all they have done and will do, and are
/// not merged again by a login or a phone number. Again it changes nothing.
#[utoipa::path(delete, path = "/v1/merges/{merge_id}", tag = "organization", security(("bearer" = [])), params(("merge_id" = String, Path)),
    responses((status = 200, body = MergeBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn undo_merge(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MergeId>,
) -> Result<Json<MergeBody>, Problem> {
    Ok(Json(merge::undo(&app.flow(), admin.company(), admin.member(), id).await?.into()))
}
