//! `/v1/cards/{card_id}/customers/{person_id}/deals`: deals closed outside the shop (成交).

use axum::Json;
use axum::extract::State;
use domain::day::Day;
use domain::dealings::Deal;
use domain::failure::Failure;
use domain::id::{CardId, DealId, PersonId};
use domain::idempotency::Idempotency;
use domain::said::Said;
use edge::auth::Caller;
use edge::dealings::DealBody;
use edge::idempotency::Once;
use edge::path::{PathIds, PathThreeIds};
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::subject::Subject;

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
    caller: Caller,
    PathIds(card, person): PathIds<CardId, PersonId>,
    once: Once<NewDeal>,
) -> Result<(StatusCode, Json<DealBody>), Problem> {
    let (new, request) = once.of(&caller);
    let subject = Subject::of(&app, &caller, card, person)?;
    let deal = Deal::new(new.closed_on, subject.now, subject.by).map_err(|e| Problem::field("/closed_on", &e))?;
    let id = app.ids.fresh(subject.now).map_err(|error| Failure::Unavailable(error.to_string()))?;
    // A retry gets what the first request said.
    let (id, deal) = match subject.say(Said::Deal(id, deal), Some(&request)).await? {
        (_, Said::Deal(id, deal)) => (id, deal),
        _ => (id, deal),
    };
    Ok((StatusCode::CREATED, Json(DealBody::new(card, id, deal))))
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
    caller: Caller,
    PathThreeIds(card, person, deal): PathThreeIds<CardId, PersonId, DealId>,
) -> Result<StatusCode, Problem> {
    // What was taken back is remembered like a request, so that a retry is not refused.
    let request = Idempotency { key: format!("{card}.{person}.{deal}"), fingerprint: String::new() };
    Subject::of(&app, &caller, card, person)?.say(Said::NoDeal(deal), Some(&request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
