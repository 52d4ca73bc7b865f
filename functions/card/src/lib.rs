//! Cards: view, edit, share, a visitor's list of cards, and what members set for themselves.

mod audit;
mod body;
mod card;
mod card_media;
mod card_template;
mod greetings;
mod media;
mod my_cards;
mod settings;
mod shares;
mod vcard;
mod views;
mod voices;

use app::Flow;
use axum::Router;
use domain::company::Company;
use domain::failure::Failure;
use domain::id::CardId;
use edge::access::CardLookup;
use edge::app::app;
use edge::auth::Gate;
use edge::openapi::ApiDoc;
use edge::routes;
use edge::routes::Routes;
use edge::token::{KeyError, TokenVerifier};
use runtime::clock::Clock;
use runtime::config::{ConfigError, Env};
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use store::Store;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What the function reads from its environment.
#[derive(Debug)]
pub struct Config {
    /// The table.
    pub table_name: String,
    /// Public keys of bearer tokens, a JWK set.
    pub token_verification_keys: String,
    /// The bucket of pictures, videos and sounds.
    pub media_bucket: String,
    /// Where it answers.
    pub media_url: String,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn load(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: env.required("TABLE_NAME")?,
            token_verification_keys: env.required("TOKEN_VERIFICATION_KEYS")?,
            media_bucket: env.required("MEDIA_BUCKET")?,
            media_url: env.required("MEDIA_URL")?,
        })
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    templates: views::Templates,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// What the flows of one request work with.
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
///
/// # Errors
/// When the token keys cannot be used.
pub fn build(
    config: Config,
    dynamodb: aws_sdk_dynamodb::Client,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
) -> Result<Router, KeyError> {
    let tokens = TokenVerifier::from_jwks(&config.token_verification_keys)?;
    let state = App {
        store: Store::new(dynamodb, config.table_name),
        templates: views::Templates::default(),
        media,
        clock: clock.clone(),
        ids,
    };
    Ok(app("card", routes(Router::new()), state, Gate { tokens, clock }))
}

fn routes<R: Routes<App>>(list: R) -> R {
    list.routes(routes!(card::create_card))
        .routes(routes!(card::get_card, card::update_card))
        .routes(routes!(card::update_card_identity))
        .routes(routes!(card_media::update_card_avatar))
        .routes(routes!(card_media::update_card_photos))
        .routes(routes!(card_media::update_card_video))
        .routes(routes!(voices::list_card_voices))
        .routes(routes!(voices::update_product_voice))
        .routes(routes!(card_template::get_card_template, card_template::update_card_template))
        .routes(routes!(vcard::get_card_vcard))
        .routes(routes!(my_cards::list_my_cards))
        .routes(routes!(shares::create_share_code))
        .routes(routes!(shares::get_share_code))
        .routes(routes!(settings::list_my_phrases, settings::update_my_phrases))
        .routes(routes!(settings::list_phrases, settings::update_phrases))
        .routes(routes!(greetings::get_my_greeting, greetings::update_my_greeting))
        .routes(routes!(greetings::get_greeting, greetings::update_greeting))
        .routes(routes!(settings::update_my_shortcuts))
}

/// The function's part of the contract.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes(OpenApiRouter::with_openapi(ApiDoc::openapi())).into_openapi()
}
