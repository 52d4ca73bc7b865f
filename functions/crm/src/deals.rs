//! `/v1/cards/{card_id}/customers/{person_id}/deals`: deals closed outside the shop (成交).

use axum::Json;
use axum::extract::State;
use domain::day::Day;
use domain::id::{CardId, DealId, PersonId};
use edge::access::CustomerAccess;
use edge::dealings::DealBody;
use edge::idempotency::Once;
use edge::path::PathThreeIds;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{App, editor};

/// A deal to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDeal {
    /// The day it was closed: today, or one of the last ten years.
    #[schema(value_type = String, format = Date)]
    closed_on: Day,
}

/// Record a closed deal
///
/// The customer is at 100 % from then on. For the card's owner, admins and the boss, while
/// their radar is on; at most 100 deals of an identity.
#[utoipa::path(post, path = "/v1/cards/{card_id}/customers/{person_id}/deals", tag = "crm", security(("bearer" = [])), request_body = NewDeal,
    params(("card_id" = String, Path), ("person_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = DealBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_deal(
    State(app): State<App>,
    access: CustomerAccess,
    once: Once<NewDeal>,
) -> Result<(StatusCode, Json<DealBody>), Problem> {
    let (new, request) = once.of(&access);
    let (id, deal) = editor(access).record_deal(&app.flow(), new.closed_on, &request).await?;
    Ok((StatusCode::CREATED, Json(DealBody::new(access.card(), id, deal))))
}

/// Take back a deal
///
/// One that was recorded by mistake. Again within 24 hours it changes nothing; later, and
/// for a deal that never was, it is 404.
#[utoipa::path(delete, path = "/v1/cards/{card_id}/customers/{person_id}/deals/{deal_id}", tag = "crm", security(("bearer" = [])),
    params(("card_id" = String, Path), ("person_id" = String, Path), ("deal_id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn delete_deal(
    State(app): State<App>,
    access: CustomerAccess,
    PathThreeIds(_card, _person, deal): PathThreeIds<CardId, PersonId, DealId>,
) -> Result<StatusCode, Problem> {
    editor(access).remove_deal(&app.flow(), deal).await?;
    Ok(StatusCode::NO_CONTENT)
}
