//! `/v1/cards/{card_id}/customers/{person_id}/deals`: deals closed outside the shop (成交).

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, DealId, PersonId};
use edge::access::CustomerAccess;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::opportunity::DealBody;
use edge::path::PathThreeIds;
use edge::problem::Problem;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{App, editor};

/// A deal to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDeal {
    /// The day when the deal was closed, in Asia/Shanghai: today or a day of the last ten years.
    closed_on: Day,
}

/// Record a closed deal
///
/// Records a deal that was closed outside the shop. The close rate of the customer is 100 % from
/// then on. Callers: the card's owner, admins and the boss, while their own radar is on. Idempotent
/// by `Idempotency-Key`. Errors: 404 `not_found` for other callers, and when the person has not
/// visited the card; 403 `radar_not_active` while the radar of the caller is off; 409 `deal_limit`
/// after 100 deals of one identity; 422 `invalid` for a day in the future or more than ten years
/// ago.
#[utoipa::path(post, path = "/v1/cards/{card_id}/customers/{person_id}/deals", tag = "crm",
    request_body = NewDeal, params(IdempotencyKey), responses((status = 201, body = DealBody)))]
pub(crate) async fn create_deal(
    State(app): State<App>,
    access: CustomerAccess,
    once: IdempotentRequest<NewDeal>,
) -> Result<(StatusCode, Json<DealBody>), Problem> {
    let (new, request) = once.of(&access);
    let (id, deal) = editor(access).record_deal(&app.flow(), new.closed_on, &request).await?;
    Ok((StatusCode::CREATED, Json(DealBody::new(access.card(), id, deal))))
}

/// Delete a deal
///
/// Removes a deal that was recorded by mistake. Callers: the card's owner, admins and the boss,
/// while their own radar is on. Idempotent for 24 hours. Errors: 404 `not_found` for other callers,
/// for an unknown deal, and for a deal that was deleted more than 24 hours ago; 403
/// `radar_not_active` while the radar of the caller is off; 409 `request_in_progress` when events
/// of the customer are counted at the same moment.
#[utoipa::path(delete, path = "/v1/cards/{card_id}/customers/{person_id}/deals/{deal_id}", tag = "crm",
    responses((status = 204)))]
pub(crate) async fn delete_deal(
    State(app): State<App>,
    access: CustomerAccess,
    PathThreeIds(_card, _person, deal): PathThreeIds<CardId, PersonId, DealId>,
) -> Result<StatusCode, Problem> {
    editor(access).remove_deal(&app.flow(), deal).await?;
    Ok(StatusCode::NO_CONTENT)
}
