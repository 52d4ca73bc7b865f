//! Cards: view, edit, share, list opened cards, and members' own settings.

mod body;
mod card;
mod card_media;
mod card_template;
mod greeting;
mod media;
mod my_card;
mod settings;
mod share;
mod vcard;
mod view;
mod voice;

use app::Flow;
use axum::Router;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use edge::access::CardLookup;
use edge::routes;
use edge::routes::Routes;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clock::Clock;
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use store::Store;

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    templates: view::Templates,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// The context of one request for the flows.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

impl CardLookup for App {
    async fn find_card(&self, company: Company, card: CardId) -> Result<(), Failure> {
        self.store.card(company, card).await.map(drop)
    }
}

/// The function, ready to run.
pub fn build(Common { store, tokens, clock, ids }: Common, media: SignedBucket) -> Router {
    let templates = view::Templates::default();
    router(App { store, templates, media, clock: clock.clone(), ids }, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "card";

    fn routes<R: Routes<Self>>(list: R) -> R {
        list.routes(routes!(card::create_card))
            .routes(routes!(card::get_card, card::update_card))
            .routes(routes!(card::update_card_identity))
            .routes(routes!(card_media::update_card_avatar))
            .routes(routes!(card_media::update_card_photos))
            .routes(routes!(card_media::update_card_video))
            .routes(routes!(voice::list_card_voices))
            .routes(routes!(voice::update_product_voice))
            .routes(routes!(card_template::get_card_template, card_template::update_card_template))
            .routes(routes!(vcard::get_card_vcard))
            .routes(routes!(my_card::list_my_cards))
            .routes(routes!(share::create_share_code))
            .routes(routes!(share::get_share_code))
            .routes(routes!(settings::list_my_phrases, settings::update_my_phrases))
            .routes(routes!(settings::list_phrases, settings::update_phrases))
            .routes(routes!(greeting::get_my_greeting, greeting::update_my_greeting))
            .routes(routes!(greeting::get_greeting, greeting::update_greeting))
            .routes(routes!(settings::update_my_shortcuts))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
