//! Merges of identities: made at a login or a phone grant; admins list and undo them.

use app::crm::merge::{self, MergeOutcome};
use axum::Json;
use axum::extract::State;
use domain::crm::identity_group::MergeEdge;
use domain::crm::merge::{Merge, MergeReason};
use domain::kernel::id::{MemberId, MergeId, PersonId};
use domain::kernel::timestamp::Timestamp;
use edge::auth::Admin;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

edge::closed_sets! {
    /// Whether a merge is in force.
    MergeState = "active" | "undone";
}

/// A merge of two identities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergeBody {
    /// The id.
    id: MergeId,
    /// The identity that logged in, or that linked the phone number last.
    person_id: PersonId,
    /// The identity that was anonymous, or that linked the phone number before.
    other_person_id: PersonId,
    /// Why the identities were merged.
    reason: MergeReason,
    /// When the identities were merged.
    at: Timestamp,
    /// Whether the merge is in force.
    #[schema(value_type = MergeState)]
    state: &'static str,
    /// When it was undone. `null` if it is in force.
    undone_at: Option<Timestamp>,
    /// The member who undid the merge. `null` if it is in force.
    undone_by: Option<MemberId>,
}

impl From<Merge> for MergeBody {
    fn from(merge: Merge) -> Self {
        let Merge { edge: MergeEdge { merge: id, a, b }, reason, at, undone } = merge;
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

/// The result of a merge of two identities: `done` if they are one person now, `refused` if they
/// cannot be merged and a retry does not help, `later` if the same request should be sent again
/// later.
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
/// Lists the merges of identities into one person, the latest first, undone merges included.
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/merges", tag = "organization", params(PageParams),
    responses((status = 200, body = PageBody<MergeBody>)))]
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
/// Separates two merged identities again, for all past and future events. Later logins and phone
/// numbers do not merge them again. Callers: admins and the boss. Idempotent. Errors: 403
/// `role_required` for other callers; 409 `request_in_progress` when events of these people are
/// counted at the same moment.
#[utoipa::path(delete, path = "/v1/merges/{merge_id}", tag = "organization",
    responses((status = 200, body = MergeBody)))]
pub(crate) async fn undo_merge(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MergeId>,
) -> Result<Json<MergeBody>, Problem> {
    Ok(Json(merge::undo(&app.flow(), admin.company(), admin.member(), id).await?.into()))
}
