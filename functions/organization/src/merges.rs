//! Merges of identities: made at a login or a phone grant; listed and undone by admins.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::aggregate::Customer;
use domain::audit::{AuditAction, AuditEntry};
use domain::company::Company;
use domain::failure::Failure;
use domain::id::{MemberId, MergeId, PersonId};
use domain::merge::{Merge, MergeReason, NotMerged, Tie, Undone};
use domain::timestamp::Timestamp;
use edge::auth::Admin;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use serde::Serialize;
use store::PendingTally;
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;
use crate::members::fresh;

edge::closed_sets! {
    /// Whether a merge is in force.
    MergeState = "active" | "undone";
}

/// How often a merge is tried that meets other writers, such as the aggregator.
const ATTEMPTS: u32 = 6;
/// First pause between tries; doubles each time.
const PAUSE: Duration = Duration::from_millis(20);
/// Most lots of changes counted before the answer; housekeeping counts the others.
const LOTS_AT_ONCE: usize = 5;

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

/// The result of a merge of two identities: `done` if they are one person now, `refused` if they
/// are not and a repetition does not help, `later` if the same request should be sent again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MergeOutcome {
    /// They are one person, now or since an earlier time.
    Done,
    /// They are not, and trying again does not help.
    Refused,
    /// Something was in the way: try again.
    Later,
}

/// List merges
///
/// Lists which identities count as one person, the latest merge first, undone merges included.
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
    let audit = entry(&app, admin.audit_actor(), AuditAction::MergeUndone, id.to_string(), "active", "undone")?;
    for attempt in 0..ATTEMPTS {
        match try_undo(&app, admin, id, &audit).await {
            Err(Failure::Busy) => pause(attempt).await,
            done => return Ok(Json(done?.into())),
        }
    }
    Err(Failure::Busy.into())
}

async fn try_undo(app: &App, admin: Admin, id: MergeId, audit: &AuditEntry) -> Result<Merge, Failure> {
    let company = admin.company();
    let read = app.store.merge(company, id).await?;
    let Some(regrouping) = read.take_back(&known(app, company, read.tie).await?) else { return Ok(read) };
    let after = Merge { undone: Some(Undone { at: audit.at, by: admin.member() }), ..read };
    count(app, app.store.regroup(company, &after, &regrouping, Some(audit)).await?).await;
    Ok(after)
}

/// Makes `a` and `b` one person.
pub(crate) async fn merge(
    app: &App,
    company: Company,
    (a, b): (PersonId, PersonId),
    reason: MergeReason,
    at: Timestamp,
) -> Result<MergeOutcome, Problem> {
    let merge = Merge { tie: Tie { merge: fresh(app, at)?, a, b }, reason, at, undone: None };
    for attempt in 0..ATTEMPTS {
        match try_merge(app, company, &merge).await {
            Err(Failure::Busy) => pause(attempt).await,
            done => return Ok(done?),
        }
    }
    Err(Failure::Busy.into())
}

async fn try_merge(app: &App, company: Company, merge: &Merge) -> Result<MergeOutcome, Failure> {
    let regrouping = match merge.regroup(&known(app, company, merge.tie).await?) {
        Ok(regrouping) => regrouping,
        Err(NotMerged::Already) => return Ok(MergeOutcome::Done),
        Err(NotMerged::Taken | NotMerged::Apart | NotMerged::TooLarge) => return Ok(MergeOutcome::Refused),
    };
    count(app, app.store.regroup(company, merge, &regrouping, None).await?).await;
    Ok(MergeOutcome::Done)
}

/// Makes who logs in and who he was before one person. The login stands, whatever comes
/// of it.
pub(crate) async fn merge_anonymous(
    app: &App,
    company: Company,
    person: PersonId,
    token: &str,
    now: Timestamp,
) -> MergeOutcome {
    let before = app.tokens.verify_anonymous(token, now).ok().filter(|claims| claims.com == company.id());
    let Some(before) = before else { return MergeOutcome::Refused };
    merge(app, company, (person, before.sub), MergeReason::Login, now).await.unwrap_or_else(|problem| {
        tracing::warn!(code = problem.code().name(), cause = problem.cause(), "a login was not merged");
        MergeOutcome::Later
    })
}

/// Both identities and all of their groups.
async fn known(app: &App, company: Company, tie: Tie) -> Result<BTreeMap<PersonId, Customer>, Failure> {
    let known = app.store.customers(company, &[tie.a, tie.b]).await?;
    known.into_iter().map(|(person, customer)| Ok((person, customer?))).collect()
}

/// Counts the lots a merge has left. What cannot be counted now waits for housekeeping.
async fn count(app: &App, left: Vec<PendingTally>) {
    for pending in left.iter().take(LOTS_AT_ONCE) {
        if app.store.count_pending(pending).await.is_err() {
            break;
        }
    }
}

/// Somebody else has written what was read: the aggregator, or another request.
async fn pause(attempt: u32) {
    tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
}
