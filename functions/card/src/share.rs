//! `/v1/share-codes`: who shared a card, and how visitors come to it.

use axum::Json;
use axum::extract::State;
use domain::card::OwnerInactive;
use domain::card::share::{Channel, Share};
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::text::ShareCode;
use domain::tracking::event::{ObjectType, Target};
use edge::auth::{Caller, TokenHolder};
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::{Code, FieldProblem, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::body::OwnerBody;

/// A share to create a code for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShareCode {
    /// The card that is shared.
    card_id: CardId,
    /// What the card shows first. The card itself if absent.
    object: Option<SharedObject>,
    /// How the card is shared: `share` by a forwarded link, `code` by a mini-program code, or
    /// `notification`.
    channel: Channel,
}

/// The object of a share.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedObject {
    /// The type of the object.
    #[serde(rename = "type")]
    #[schema(value_type = ObjectType)]
    kind: String,
    /// The id of the object. Required for products, articles and videos, `null` for others.
    id: Option<String>,
}

/// A new share code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareCodeCreated {
    /// The code. It fits into a link and a mini-program code. Send it with the events of visitors
    /// who open it.
    share_code: ShareCode,
}

/// A shared card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareBody {
    /// The card.
    card_id: CardId,
    /// What the card shows first.
    object: SharedObject,
    /// How the card is shared.
    channel: Channel,
    /// The person who shared it.
    sharer: Sharer,
    #[serde(flatten)]
    owner: OwnerBody,
}

/// The person who shared a card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sharer {
    /// The person.
    person_id: PersonId,
}

impl ShareBody {
    fn new(share: Share, gone: Option<OwnerInactive>) -> Self {
        let Share { card, target, channel, sharer, .. } = share;
        let object = SharedObject { kind: target.type_name().to_owned(), id: target.id() };
        Self { card_id: card, object, channel, sharer: Sharer { person_id: sharer }, owner: gone.into() }
    }
}

/// Create a share code
///
/// Creates a code that identifies a shared card and the person who shared it. Put it into the link
/// or mini-program code, and into the events of visitors who open it. A visitor's code is forgotten
/// after 400 days. Callers: everyone who has logged in, visitors included. Idempotent by
/// `Idempotency-Key`. Errors: 404 `not_found` for an unknown card.
#[utoipa::path(post, path = "/v1/share-codes", tag = "card",
    extensions(("x-budgets" = json!(["share_codes"]))), request_body = NewShareCode, params(IdempotencyKey),
    responses((status = 201, body = ShareCodeCreated)))]
pub(crate) async fn create_share_code(
    State(app): State<App>,
    caller: Caller,
    once: IdempotentRequest<NewShareCode>,
) -> Result<(StatusCode, Json<ShareCodeCreated>), Problem> {
    let (new, request) = once.of(&caller);
    let (card, target) = (new.card_id, target(new.object)?);
    if app.store.existing_cards(caller.company(), &[card]).await?.is_empty() {
        let error = FieldError::new("unknown_card", "名片不存在").at("/card_id");
        return Err(Problem::of(Code::NotFound).with_errors(vec![FieldProblem::new("", &error)]));
    }
    let secret = app.ids.bytes().map_err(|error| Failure::Unavailable(error.to_string()))?;
    let (code, sharer, created_at) = (ShareCode::from_secret(secret), caller.person(), app.clock.now());
    let share = Share { code, card, target, channel: new.channel, sharer, created_at };
    let until = share.forgotten_at(caller.membership().is_some());
    let spend = BudgetSpend::one(BudgetName::ShareCodes, BudgetSubject::Person(caller.company(), sharer));
    let share = app.store.create_share(caller.company(), share, until, &request, &[spend]).await?;
    Ok((StatusCode::CREATED, Json(ShareCodeCreated { share_code: share.code })))
}

/// Resolve a share code
///
/// Returns the card, the object and the person who shared it. Callers: everyone with a token, also
/// an anonymous one. Idempotent.
#[utoipa::path(get, path = "/v1/share-codes/{share_code}", tag = "card", responses((status = 200, body = ShareBody)))]
pub(crate) async fn get_share_code(
    State(app): State<App>,
    holder: TokenHolder,
    PathId(code): PathId<ShareCode>,
) -> Result<Json<ShareBody>, Problem> {
    let share = app.store.share(holder.company(), &code).await?;
    let card = app.store.card(holder.company(), share.card).await?;
    Ok(Json(ShareBody::new(share, card.owner_gone)))
}

fn target(object: Option<SharedObject>) -> Result<Target, Problem> {
    let Some(object) = object else { return Ok(Target::Card) };
    Target::parse(&object.kind, object.id.as_deref()).map_err(|error| Problem::field("/object", &error))
}
