//! `/v1/customers/{person_id}/follow-ups`: what members did about a customer (跟进).

use axum::Json;
use axum::extract::State;
use domain::crm::follow_up::{FollowUp, FollowUpEdit, FollowUpKind, FollowUpOutcome, FollowUpText};
use domain::crm::timeline::{TimelineItem, TimelineKind, TimelinePosition};
use domain::kernel::id::{FollowUpId, MemberId, PersonId};
use domain::kernel::text::Paragraph;
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathIds;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, record_editor};

/// A follow-up to record. It has a note or an outcome, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFollowUp {
    /// How the customer was followed up.
    kind: FollowUpKind,
    /// What came of it.
    outcome: Option<FollowUpOutcome>,
    /// The note. Empty if absent.
    #[serde(default)]
    #[schema(required = false)]
    note: Paragraph<2_000>,
    /// When to follow up next, within a year. It replaces the plan of before; without it, what was planned
    /// is done.
    next_at: Option<Timestamp>,
}

/// The text of a follow-up. It has a note or an outcome, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowUpUpdate {
    /// How the customer was followed up.
    kind: FollowUpKind,
    /// What came of it.
    outcome: Option<FollowUpOutcome>,
    /// The note. Empty if absent.
    #[serde(default)]
    #[schema(required = false)]
    note: Paragraph<2_000>,
}

/// A follow-up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FollowUpBody {
    /// The id.
    follow_up_id: FollowUpId,
    /// How the customer was followed up.
    kind: FollowUpKind,
    /// What came of it. `null` if nothing was said.
    outcome: Option<FollowUpOutcome>,
    /// The note. Empty if there is none.
    note: Paragraph<2_000>,
    /// The member who recorded it.
    recorded_by: MemberId,
    /// When it was recorded.
    recorded_at: Timestamp,
    /// The texts of before, the first one first.
    edits: Vec<FollowUpEditBody>,
}

/// A text that was replaced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FollowUpEditBody {
    /// How the customer was followed up, as it said before.
    kind: FollowUpKind,
    /// What came of it. `null` if nothing was said.
    outcome: Option<FollowUpOutcome>,
    /// The note of before. Empty if there was none.
    note: Paragraph<2_000>,
    /// The member who replaced it.
    edited_by: MemberId,
    /// When it was replaced.
    edited_at: Timestamp,
}

impl From<FollowUp> for FollowUpBody {
    fn from(FollowUp { id, at, by, text: FollowUpText { kind, outcome, note }, edits, .. }: FollowUp) -> Self {
        let edits = edits.into_iter().map(FollowUpEditBody::from).collect();
        Self { follow_up_id: id, kind, outcome, note, recorded_by: by, recorded_at: at, edits }
    }
}

impl From<FollowUpEdit> for FollowUpEditBody {
    fn from(FollowUpEdit { at, by, text: FollowUpText { kind, outcome, note } }: FollowUpEdit) -> Self {
        Self { kind, outcome, note, edited_by: by, edited_at: at }
    }
}

/// Record a follow-up
///
/// Records what was done about a customer. It counts once as a follow-up (跟进总数) of today, for the
/// card of the caller, its departments and the company. Callers: members whose card the person has
/// visited, admins and the boss, while their own radar is on. Idempotent by `Idempotency-Key`. Errors:
/// 404 `not_found` for other callers, and for a person who is no customer; 403 `radar_not_active` while
/// the radar of the caller is off; 409 `limit_reached` after 1,000 follow-ups of one identity; 422
/// `invalid` with neither a note nor an outcome, and for a next follow-up that is past or more than a
/// year ahead; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(post, path = "/v1/customers/{person_id}/follow-ups", tag = "crm",
    request_body = NewFollowUp, params(IdempotencyKey), responses((status = 201, body = FollowUpBody)))]
pub(crate) async fn create_follow_up(
    State(app): State<App>,
    caller: CustomerCaller,
    once: IdempotentRequest<NewFollowUp>,
) -> Result<(StatusCode, Json<FollowUpBody>), Problem> {
    let (NewFollowUp { kind, outcome, note, next_at }, request) = once.of(&caller);
    let text = FollowUpText { kind, outcome, note };
    let recorded = record_editor(caller).create_follow_up(&app.flow(), text, next_at, &request).await?;
    Ok((StatusCode::CREATED, Json(recorded.into())))
}

/// List the follow-ups of a customer
///
/// Returns the follow-ups of all members, the latest first. A page may be short and not the last.
/// Callers: members whose card the person has visited, admins and the boss, while their own radar is
/// on. Idempotent. Errors: 404 `not_found` for other callers, and for a person who is no customer; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/customers/{person_id}/follow-ups", tag = "crm",
    params(PageParams), responses((status = 200, body = PageBody<FollowUpBody>)))]
pub(crate) async fn list_follow_ups(
    State(app): State<App>,
    caller: CustomerCaller,
    paging: Paging,
) -> Result<Json<PageBody<FollowUpBody>>, Problem> {
    let (flow, after) = (app.flow(), paging.position()?.map(TimelinePosition));
    let page = record_editor(caller).timeline(&flow, Some(TimelineKind::FollowUp), after, paging.limit).await?;
    let follow_up = |item| if let TimelineItem::FollowUp(follow_up) = item { Some(follow_up.into()) } else { None };
    Ok(Json(paging.page(page.items.into_iter().filter_map(follow_up).collect(), page.next.map(|next| next.0))))
}

/// Edit a follow-up
///
/// Replaces the text. The texts of before stay with it. Callers: members whose card the person has
/// visited, for what they recorded, admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for members who may not see the
/// customer, and for a follow-up that does not exist or was deleted; 403 `role_required` for a
/// colleague's; 403 `radar_not_active` while the radar of the caller is off; 409 `limit_reached` after
/// 20 edits; 422 `invalid` with neither a note nor an outcome; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/follow-ups/{follow_up_id}", tag = "crm",
    request_body = FollowUpUpdate, responses((status = 200, body = FollowUpBody)))]
pub(crate) async fn update_follow_up(
    State(app): State<App>,
    caller: CustomerCaller,
    PathIds(_person, id): PathIds<PersonId, FollowUpId>,
    Body(FollowUpUpdate { kind, outcome, note }): Body<FollowUpUpdate>,
) -> Result<Json<FollowUpBody>, Problem> {
    let text = FollowUpText { kind, outcome, note };
    Ok(Json(record_editor(caller).edit_follow_up(&app.flow(), id, text).await?.into()))
}

/// Delete a follow-up
///
/// It is not shown any more, and counts no more as a follow-up of its day. Callers: members whose card
/// the person has visited, for what they recorded, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for members who
/// may not see the customer, and for a follow-up that does not exist; 403 `role_required` for a
/// colleague's; 403 `radar_not_active` while the radar of the caller is off; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(delete, path = "/v1/customers/{person_id}/follow-ups/{follow_up_id}", tag = "crm",
    responses((status = 204)))]
pub(crate) async fn delete_follow_up(
    State(app): State<App>,
    caller: CustomerCaller,
    PathIds(_person, id): PathIds<PersonId, FollowUpId>,
) -> Result<StatusCode, Problem> {
    record_editor(caller).delete_follow_up(&app.flow(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
