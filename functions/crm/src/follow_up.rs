//! `/v1/customers/{person_id}/follow-ups`: what members did about a customer (跟进).

use axum::Json;
use axum::extract::State;
use domain::crm::follow_up::{FollowUp, FollowUpKind, FollowUpOutcome, FollowUpText};
use domain::kernel::id::{FollowUpId, MemberId};
use domain::kernel::text::Paragraph;
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::page::{PageBody, PageParams, Paging};
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
}

impl From<FollowUp> for FollowUpBody {
    fn from(FollowUp { id, at, by, text: FollowUpText { kind, outcome, note }, .. }: FollowUp) -> Self {
        Self { follow_up_id: id, kind, outcome, note, recorded_by: by, recorded_at: at }
    }
}

/// Record a follow-up
///
/// Records what was done about a customer. It counts once as a follow-up (跟进总数) of today, for the
/// card of the caller, its departments and the company. Callers: members whose card the person has
/// visited, admins and the boss, while their own radar is on. Idempotent by `Idempotency-Key`. Errors:
/// 404 `not_found` for other callers, and for a person who is no customer; 403 `radar_not_active` while
/// the radar of the caller is off; 409 `limit_reached` after 1,000 follow-ups of one identity; 422
/// `invalid` with neither a note nor an outcome.
#[utoipa::path(post, path = "/v1/customers/{person_id}/follow-ups", tag = "crm",
    request_body = NewFollowUp, params(IdempotencyKey), responses((status = 201, body = FollowUpBody)))]
pub(crate) async fn create_follow_up(
    State(app): State<App>,
    caller: CustomerCaller,
    once: IdempotentRequest<NewFollowUp>,
) -> Result<(StatusCode, Json<FollowUpBody>), Problem> {
    let (NewFollowUp { kind, outcome, note }, request) = once.of(&caller);
    let text = FollowUpText { kind, outcome, note };
    let recorded = record_editor(caller).create_follow_up(&app.flow(), text, &request).await?;
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
    let page = record_editor(caller).list_follow_ups(&app.flow(), paging.position()?, paging.limit).await?;
    Ok(Json(paging.page(page.items.into_iter().map(FollowUpBody::from).collect(), page.next)))
}
