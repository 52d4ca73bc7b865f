//! `GET /v1/my/cards`: the cards a person has opened.

use axum::Json;
use axum::extract::State;
use domain::card::Identity;
use domain::company::Company;
use domain::company::CompanyName;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::{PersonName, Position};
use edge::auth::Caller;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::body::OwnerBody;
use crate::media::MediaBody;

/// Most cards in the list.
const LISTED_MAX: usize = 99;

/// The cards that a person has opened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyCards {
    /// The cards, the last opened first, at most 100.
    items: Vec<MyCard>,
    /// The card that was opened last. Show it if the mini-program starts without a card. `null` if
    /// none was opened.
    default_card_id: Option<CardId>,
}

/// A card that a person has opened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyCard {
    /// The card.
    card: CardSummary,
    /// How often the person opened the card.
    views: u64,
    /// When the person last opened the card.
    last_viewed_at: Timestamp,
}

/// A card in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardSummary {
    /// The id.
    id: CardId,
    /// The name of the owner.
    name: PersonName,
    /// The job title. Empty if there is none.
    position: Position,
    /// The name of the company.
    company: CompanyName,
    /// The avatar. `null` if there is none.
    avatar: Option<MediaBody>,
    #[serde(flatten)]
    owner: OwnerBody,
}

/// List cards that I opened
///
/// Lists the cards that the caller has opened, the last opened first, at most 99. Callers:
/// everyone who has logged in, visitors included. Idempotent.
#[utoipa::path(get, path = "/v1/my/cards", tag = "card", responses((status = 200, body = MyCards)))]
pub(crate) async fn list_my_cards(State(app): State<App>, caller: Caller) -> Result<Json<MyCards>, Problem> {
    let items = opened_cards(&app, caller.company(), caller.person()).await?;
    let default_card_id = items.first().map(|item| item.card.id);
    Ok(Json(MyCards { items, default_card_id }))
}

/// The cards that a person has opened, the last opened first.
async fn opened_cards(app: &App, company: Company, person: PersonId) -> Result<Vec<MyCard>, Failure> {
    let customer = app.store.customer(company, person).await?;
    let mut opened = customer.state.opened_cards();
    opened.truncate(LISTED_MAX);
    let wanted: Vec<_> = opened.iter().map(|(id, _)| *id).collect();
    let cards = app.store.cards(company, &wanted).await?;
    let signer = app.media.signer(app.clock.now()).await?;
    let mut items = Vec::with_capacity(cards.len());
    for card in cards {
        let Some((_, history)) = opened.iter().find(|(id, _)| *id == card.id) else { continue };
        let last_viewed_at = Timestamp::from_millis(history.last_opened_ms.unwrap_or_default());
        let avatar = card.media.avatar.map(|avatar| MediaBody::new(&signer, company, avatar));
        let Identity { name, position, company } = card.identity;
        items.push(MyCard {
            card: CardSummary { id: card.id, name, position, company, owner: card.owner_gone.into(), avatar },
            views: history.opened,
            last_viewed_at,
        });
    }
    Ok(items)
}
