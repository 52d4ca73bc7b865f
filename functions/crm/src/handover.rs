//! `/v1/handovers`: handing over what a member leaves behind (工作交接).

use std::collections::{BTreeMap, BTreeSet};

use app::crm::handover::{self, HandoverPreview, HandoverStarter};
use app::people::member::Head;
use axum::Json;
use axum::extract::State;
use domain::crm::handover::{
    Handover, HandoverCounts, HandoverRule, HandoverState, HandoverThing, StayReason, StayingThing, SuccessorIds,
};
use domain::crm::handover_plan::HandoverWarning;
use domain::crm::job::JobStarter;
use domain::kernel::field::FieldError;
use domain::kernel::id::{DepartmentId, HandoverId, JobId, MemberId, TagId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Role;
use edge::auth::Boss;
use edge::body::Body;
use edge::fresh::{Fresh, LoggedIn};
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::HandoverProgress;
use utoipa::ToSchema;

use crate::App;

/// A tag whose customers have a successor of their own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuccessorOfTag {
    /// The tag.
    tag_id: TagId,
    /// The successor.
    member_id: MemberId,
}

/// A department whose customers have a successor of their own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuccessorOfDepartment {
    /// The department. It includes those below it.
    department_id: DepartmentId,
    /// The successor.
    member_id: MemberId,
}

/// Whose work goes to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHandover {
    /// The member who leaves.
    leaver_id: MemberId,
    /// The successors: 1 to 20 active members, who take turns.
    successor_ids: SuccessorIds,
    /// Tags with a successor of their own: the first one that a customer has decides. At most 20.
    #[serde(default)]
    #[schema(required = false)]
    tags: Vec<SuccessorOfTag>,
    /// Departments with a successor of their own: the first one whose customer somebody is decides, unless a
    /// tag does. At most 20.
    #[serde(default)]
    #[schema(required = false)]
    departments: Vec<SuccessorOfDepartment>,
}

/// The undoing of a handover. An empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHandoverUndo {}

/// How many things go to a successor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverShare {
    /// What: customers, seats of a collaborator, planned follow-ups, or the card.
    thing: HandoverThing,
    /// The successor.
    member_id: MemberId,
    /// How many were counted at the beginning.
    planned: u32,
    /// How many have moved.
    moved: u32,
    /// How many of them were restored by the undoing.
    restored: u32,
}

/// What the boss should know before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverWarningBody {
    /// `leaver_active`: they are disabled by the start; `over_held_max`: the successor would hold more
    /// customers than they may claim; `no_card`: the successor has no card that the leaver's could lead to.
    code: HandoverWarning,
    /// The successor. `null` for `leaver_active`.
    member_id: Option<MemberId>,
}

/// What would move to whom.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverPreviewBody {
    /// By thing and successor.
    items: Vec<HandoverShare>,
    /// What the boss should know before. None of it stops a handover.
    warnings: Vec<HandoverWarningBody>,
}

/// A handover.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverBody {
    /// The id.
    handover_id: HandoverId,
    /// The member who leaves.
    leaver_id: MemberId,
    /// How far it is: `running`, then `done` or `failed`; `undoing`, then `undone` or `undo_failed`.
    state: HandoverState,
    /// The successors who take turns.
    successor_ids: Vec<MemberId>,
    /// Tags with a successor of their own.
    tags: Vec<SuccessorOfTag>,
    /// Departments with a successor of their own.
    departments: Vec<SuccessorOfDepartment>,
    /// The boss who started it.
    started_by: MemberId,
    /// When it was started.
    started_at: Timestamp,
    /// When it last went on, or ended.
    moved_at: Timestamp,
    /// Until when it can be undone.
    undo_until: Timestamp,
    /// The job that moves the things.
    job_id: JobId,
    /// The job that undoes it. `null` unless somebody undoes it.
    undo_job_id: Option<JobId>,
    /// How many things could not be moved.
    stayed: u32,
    /// How many things the undoing has left, since somebody has changed them.
    undo_stayed: u32,
}

/// A thing that stays where it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StayingThingBody {
    /// What.
    thing: HandoverThing,
    /// The id of the customer, or of the card.
    id: String,
    /// Why: `changed`, `successor_inactive`, `no_card`, `erased` or `unreadable`.
    reason: StayReason,
    /// Whether the undoing has left it, not the handover itself.
    undoing: bool,
}

/// A handover, and what became of its things.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverDetail {
    #[serde(flatten)]
    handover: HandoverBody,
    /// What moves, by thing and successor.
    progress: Vec<HandoverShare>,
    /// Things that stay where they are: at most 100.
    staying: Vec<StayingThingBody>,
}

impl NewHandover {
    fn checked(self) -> Result<(MemberId, HandoverRule), Problem> {
        let none = || Problem::field("/successor_ids", &FieldError::new("required", "请选择接任者"));
        let (first, others) = self.successor_ids.as_slice().split_first().ok_or_else(none)?;
        let tags = self.tags.iter().map(|of| (of.tag_id, of.member_id)).collect();
        let departments = self.departments.iter().map(|of| (of.department_id, of.member_id)).collect();
        Ok((self.leaver_id, HandoverRule { tags, departments, first: *first, others: others.to_vec() }))
    }
}

impl From<Handover> for HandoverBody {
    fn from(handover: Handover) -> Self {
        let undo_until = handover.undo_until();
        let Handover { id, leaver, rule, by, job, started_at, moved_at, state, stayed, undo, .. } = handover;
        let tags = rule.tags.into_iter().map(|(tag_id, member_id)| SuccessorOfTag { tag_id, member_id });
        let departments = rule.departments.into_iter();
        let departments =
            departments.map(|(department_id, member_id)| SuccessorOfDepartment { department_id, member_id });
        Self {
            handover_id: id,
            leaver_id: leaver,
            state,
            successor_ids: std::iter::once(rule.first).chain(rule.others).collect(),
            tags: tags.collect(),
            departments: departments.collect(),
            started_by: by,
            started_at,
            moved_at,
            undo_until,
            job_id: job,
            undo_job_id: undo.as_ref().map(|undo| undo.job),
            stayed,
            undo_stayed: undo.map_or(0, |undo| undo.stayed),
        }
    }
}

impl From<StayingThing> for StayingThingBody {
    fn from(StayingThing { thing, what, reason, undoing }: StayingThing) -> Self {
        Self { thing, id: what, reason, undoing }
    }
}

impl From<HandoverPreview> for HandoverPreviewBody {
    fn from(HandoverPreview { planned, warnings }: HandoverPreview) -> Self {
        let warning = |(code, member_id)| HandoverWarningBody { code, member_id };
        let none = HandoverCounts::new();
        Self { items: shares(&planned, &none, &none), warnings: warnings.into_iter().map(warning).collect() }
    }
}

impl From<HandoverProgress> for HandoverDetail {
    fn from(HandoverProgress { handover, moved, restored, staying }: HandoverProgress) -> Self {
        let progress = shares(&handover.planned, &moved, &restored);
        Self { handover: handover.into(), progress, staying: staying.into_iter().map(Into::into).collect() }
    }
}

/// All shares that have something of it.
fn shares(planned: &HandoverCounts, moved: &HandoverCounts, restored: &HandoverCounts) -> Vec<HandoverShare> {
    let mut shares = Vec::new();
    for thing in HandoverThing::ALL.iter().copied() {
        let of = |counts: &HandoverCounts| counts.get(&thing).cloned().unwrap_or_default();
        let (planned, moved, restored) = (of(planned), of(moved), of(restored));
        let members: BTreeSet<_> = planned.keys().chain(moved.keys()).copied().collect();
        shares.extend(members.into_iter().map(|member_id| {
            let count = |of: &BTreeMap<MemberId, u32>| of.get(&member_id).copied().unwrap_or_default();
            let (planned, moved, restored) = (count(&planned), count(&moved), count(&restored));
            HandoverShare { thing, member_id, planned, moved, restored }
        }));
    }
    shares
}

fn job_starter(boss: Boss) -> JobStarter {
    JobStarter { member: boss.member(), card: None, admin: true }
}

fn starter(boss: Boss) -> HandoverStarter {
    let head = Head { member: boss.member(), role: Role::Boss, logged_in_at: boss.logged_in_at() };
    HandoverStarter { head, job: job_starter(boss) }
}

/// Preview a handover
///
/// Counts what would move to whom, as the list of customers is now; nothing changes. Callers: the boss.
/// Idempotent. Errors: 403 `role_required` for other callers; 404 `not_found` without such a member; 422
/// `invalid` for a successor who is not active, for the leaver as one, and for too many or repeated entries.
#[utoipa::path(post, path = "/v1/handovers/preview", tag = "crm", request_body = NewHandover,
    responses((status = 200, body = HandoverPreviewBody)))]
pub(crate) async fn preview_handover(
    State(app): State<App>,
    boss: Boss,
    Body(wanted): Body<NewHandover>,
) -> Result<Json<HandoverPreviewBody>, Problem> {
    let preview = handover::preview(&app.flow(), boss.company(), starter(boss), wanted.checked()?).await?;
    Ok(Json(preview.into()))
}

/// Hand over a member's work
///
/// Starts a job that moves the customers of a member, their seats as a collaborator, their planned follow-ups
/// and their card to one or several successors. A member who is active still is disabled first. Limits of what
/// members may hold do not stop it. It goes on whatever becomes of the caller, and can be undone for 30 days.
/// Callers: the boss, with a fresh login. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for other
/// callers, and for the caller's own work; 403 `fresh_login_required` when the caller's login is older than
/// five minutes; 404 `not_found` without such a member; 409 `handover_open` while a handover of the member goes
/// on, or is undone; 409 `limit_reached` with 50 open jobs of the company; 409 `version_conflict` when one of the
/// members was changed at the same moment; 422 `invalid` for a leaver who has never joined, for a successor
/// who is not active, for the leaver as one, and for too many or repeated entries.
#[utoipa::path(post, path = "/v1/handovers", tag = "crm", request_body = NewHandover, params(IdempotencyKey),
    responses((status = 202, body = HandoverBody)))]
pub(crate) async fn create_handover(
    State(app): State<App>,
    Fresh(boss): Fresh<Boss>,
    once: IdempotentRequest<NewHandover>,
) -> Result<(StatusCode, Json<HandoverBody>), Problem> {
    let (wanted, request) = once.of(&boss);
    let started = handover::start(&app.flow(), boss.company(), starter(boss), wanted.checked()?, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// List handovers
///
/// Returns the handovers of the last 90 days, the latest first. Callers: the boss. Idempotent. Errors: 403
/// `role_required` for other callers.
#[utoipa::path(get, path = "/v1/handovers", tag = "crm", params(PageParams),
    responses((status = 200, body = PageBody<HandoverBody>)))]
pub(crate) async fn list_handovers(
    State(app): State<App>,
    boss: Boss,
    paging: Paging,
) -> Result<Json<PageBody<HandoverBody>>, Problem> {
    let page = app.store.list_handovers(boss.company(), paging.position()?, paging.limit).await?;
    Ok(Json(paging.page(page.items.into_iter().map(HandoverBody::from).collect(), page.next)))
}

/// Get a handover
///
/// Returns how far a handover is, by thing and successor, and what could not be moved, with the reason.
/// Callers: the boss. Idempotent. Errors: 403 `role_required` for other callers; 404 `not_found` for an unknown
/// handover.
#[utoipa::path(get, path = "/v1/handovers/{handover_id}", tag = "crm", responses((status = 200, body = HandoverDetail)))]
pub(crate) async fn get_handover(
    State(app): State<App>,
    boss: Boss,
    PathId(id): PathId<HandoverId>,
) -> Result<Json<HandoverDetail>, Problem> {
    Ok(Json(app.store.handover_progress(boss.company(), id).await?.into()))
}

/// Undo a handover
///
/// Starts a job that restores what the handover has moved, exactly as it stood before. What somebody has
/// changed since stays, and is listed. The membership of the leaver stays as it is. Callers: the boss, with a
/// fresh login. Idempotent by `Idempotency-Key`. Errors: 403 `role_required` for other callers; 403
/// `fresh_login_required` when the caller's login is older than five minutes; 404 `not_found` for an unknown
/// handover; 409 `handover_not_undoable` while it goes on, once it is undone, and 30 days after it was started;
/// 409 `handover_open` while another one of the member goes on; 409 `limit_reached` with 50 open jobs of the
/// company.
#[utoipa::path(post, path = "/v1/handovers/{handover_id}/undo", tag = "crm", request_body = NewHandoverUndo,
    params(IdempotencyKey), responses((status = 202, body = HandoverBody)))]
pub(crate) async fn undo_handover(
    State(app): State<App>,
    Fresh(boss): Fresh<Boss>,
    PathId(id): PathId<HandoverId>,
    once: IdempotentRequest<NewHandoverUndo>,
) -> Result<(StatusCode, Json<HandoverBody>), Problem> {
    let (NewHandoverUndo {}, request) = once.of(&boss);
    let undone = handover::undo(&app.flow(), boss.company(), job_starter(boss), id, &request).await?;
    Ok((StatusCode::ACCEPTED, Json(undone.into())))
}
