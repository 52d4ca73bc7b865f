//! Companies, their members and logins.

mod apps;
mod company;
mod people;
mod secrets;
mod sms;

use std::sync::Arc;

use app::Flow;
use axum::Router;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::address::ClientAddress;
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::mobile::CallingCodes;
use edge::operator::OperatorKeys;
use edge::routes;
use edge::routes::Routes;
use edge::token::TokenVerifier;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clients::LazyClient;
use runtime::clock::Clock;
use runtime::config::{ConfigError, Env};
use runtime::ids::Ids;
use store::Store;
use wechat::{AccessTokens, Http, Sms, WeChat};

use crate::apps::Apps;
use crate::secrets::OwnSecret;
use crate::sms::SmsChannel;

/// The services that the function calls, read from its environment.
#[derive(Debug)]
pub struct Config {
    /// Name of the secret with the function's own keys: for signing tokens, recognizing the
    /// operator and making codes.
    pub organization_secret: String,
    /// The prefix of the app id in the name of the secret with its app secret.
    pub wechat_secret_prefix: String,
    /// The URL of the WeChat API, without a trailing slash.
    pub wechat_base_url: String,
    /// Name of the secret with the SMS account; without it no SMS is sent.
    pub sms_secret: String,
    /// The URL of the SMS API, without a trailing slash.
    pub sms_base_url: String,
    /// The countries that text messages are sent to.
    pub sms_countries: CallingCodes,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first missing variable.
    pub fn load(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            organization_secret: env.required("ORGANIZATION_SECRET")?,
            wechat_secret_prefix: env.required("WECHAT_SECRET_PREFIX")?,
            wechat_base_url: env.required("WECHAT_BASE_URL")?,
            sms_secret: env.required("SMS_SECRET")?,
            sms_base_url: env.required("SMS_BASE_URL")?,
            sms_countries: CallingCodes::parse(&env.required("SMS_COUNTRIES")?)
                .ok_or(ConfigError::Invalid { name: "SMS_COUNTRIES", expected: "a list of calling codes" })?,
        })
    }
}

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    apps: Arc<Apps>,
    own: Arc<OwnSecret>,
    sms: Arc<SmsChannel>,
    wechat: WeChat,
    access_tokens: Arc<AccessTokens>,
    tokens: TokenVerifier,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// The context of one request for the flows.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

impl OperatorKeys for App {
    async fn operator_keys(&self) -> Result<&[[u8; 32]], Failure> {
        Ok(&self.own.keys().await?.operator_keys)
    }

    async fn count_operator_key(&self, address: ClientAddress) -> Result<(), Failure> {
        let guess = BudgetSpend::one(BudgetName::OperatorKeyGuesses, BudgetSubject::Address(address));
        self.store.spend(&guess, self.clock.now()).await
    }
}

/// The function, ready to run.
pub fn build(common: Common, config: Config, secrets: LazyClient<aws_sdk_secretsmanager::Client>) -> Router {
    let Common { store, tokens, clock, ids } = common;
    let http = Http::new();
    let wechat = WeChat::new(http.clone(), config.wechat_base_url);
    let state = App {
        sms: Arc::new(SmsChannel::new(
            Sms::new(http, config.sms_base_url),
            config.sms_countries,
            secrets.clone(),
            config.sms_secret,
        )),
        own: Arc::new(OwnSecret::new(secrets.clone(), config.organization_secret)),
        apps: Arc::new(Apps::new(store.clone(), secrets, config.wechat_secret_prefix)),
        store,
        access_tokens: Arc::new(AccessTokens::new(wechat.clone())),
        wechat,
        tokens: tokens.clone(),
        clock: clock.clone(),
        ids,
    };
    router(state, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "organization";

    fn routes<R: Routes<Self>>(list: R) -> R {
        list.routes(routes!(company::new_company::create_company))
            .routes(routes!(people::session::create_session))
            .routes(routes!(people::session::create_anonymous_session))
            .routes(routes!(people::refresh::refresh_session))
            .routes(routes!(people::my_session::list_my_sessions, people::my_session::end_my_sessions))
            .routes(routes!(people::my_session::end_my_session))
            .routes(routes!(people::member_session::list_member_sessions, people::member_session::end_member_sessions))
            .routes(routes!(people::member_session::end_member_session))
            .routes(routes!(people::phone::grant_my_phone))
            .routes(routes!(people::merge::list_merges))
            .routes(routes!(people::merge::undo_merge))
            .routes(routes!(people::me::get_me))
            .routes(routes!(people::my_data::erase_my_data))
            .routes(routes!(people::my_data::set_my_tracking))
            .routes(routes!(people::member::create_member, people::member::list_members))
            .routes(routes!(people::member::get_member, people::member_edit::update_member))
            .routes(routes!(people::member_change::update_member_status))
            .routes(routes!(people::member_change::update_member_role))
            .routes(routes!(people::claim_code::create_claim_code))
            .routes(routes!(people::successor::update_member_successor))
            .routes(routes!(people::invitation::create_invitation, people::invitation::list_invitations))
            .routes(routes!(people::invitation::get_invitation, people::invitation::revoke_invitation))
            .routes(routes!(people::join_request::list_join_requests))
            .routes(routes!(people::join_request::decide_join_request))
            .routes(routes!(company::department::list_departments, company::department::create_department))
            .routes(routes!(company::department::update_department, company::department::delete_department))
            .routes(routes!(company::department::update_member_department))
            .routes(routes!(people::directory::list_directory))
            .routes(routes!(company::profile::get_company, company::profile::update_company))
            .routes(routes!(company::status::update_company_status))
            .routes(routes!(company::wecom::update_wecom, company::wecom::delete_wecom))
            .routes(routes!(company::new_company::create_boss))
            .routes(routes!(company::seat::get_seats))
            .routes(routes!(company::seat::add_seats))
            .routes(routes!(company::audit_log::list_audit_log))
            .routes(routes!(
                people::radar_grant::grant_radar,
                people::radar_grant::get_member_radar,
                people::radar_grant::revoke_radar
            ))
            .routes(routes!(people::radar_grant::create_radar_code))
            .routes(routes!(people::radar_grant::list_radar_grants))
            .routes(routes!(people::radar_grant::get_radar_qr))
            .routes(routes!(people::radar_join::create_radar_redemption))
            .routes(routes!(people::radar_join::create_radar_join))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
