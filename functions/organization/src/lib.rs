//! Companies, their members and logins.

mod apps;
mod audit_log;
mod claim_codes;
mod companies;
mod company;
mod departments;
mod directory;
mod invitations;
mod join_requests;
mod joins;
mod me;
mod member_changes;
mod member_edit;
mod members;
mod memberships;
mod merges;
mod my_phone;
mod radar_grants;
mod radar_joins;
mod seats;
mod secrets;
mod sessions;
mod sms;
mod successors;
mod wecom;

use std::sync::Arc;

use app::Flow;
use axum::Router;
use domain::kernel::failure::Failure;
use edge::auth::OperatorKeys;
use edge::routes;
use edge::routes::Routes;
use edge::token::TokenVerifier;
use function::http::{Common, HttpFunction, contract, router};
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
}

/// The function, ready to run.
pub fn build(common: Common, config: Config, secrets: aws_sdk_secretsmanager::Client) -> Router {
    let Common { store, tokens, clock, ids } = common;
    let http = Http::new();
    let wechat = WeChat::new(http.clone(), config.wechat_base_url);
    let state = App {
        sms: Arc::new(SmsChannel::new(Sms::new(http, config.sms_base_url), secrets.clone(), config.sms_secret)),
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
        list.routes(routes!(companies::create_company))
            .routes(routes!(sessions::create_session))
            .routes(routes!(sessions::create_anonymous_session))
            .routes(routes!(my_phone::grant_my_phone))
            .routes(routes!(merges::list_merges))
            .routes(routes!(merges::undo_merge))
            .routes(routes!(me::get_me))
            .routes(routes!(members::create_member, members::list_members))
            .routes(routes!(members::get_member, member_edit::update_member))
            .routes(routes!(member_changes::update_member_status))
            .routes(routes!(member_changes::update_member_role))
            .routes(routes!(claim_codes::create_claim_code))
            .routes(routes!(successors::update_member_successor))
            .routes(routes!(invitations::create_invitation, invitations::list_invitations))
            .routes(routes!(invitations::get_invitation, invitations::revoke_invitation))
            .routes(routes!(join_requests::list_join_requests))
            .routes(routes!(join_requests::decide_join_request))
            .routes(routes!(departments::list_departments, departments::create_department))
            .routes(routes!(departments::update_department, departments::delete_department))
            .routes(routes!(departments::update_member_department))
            .routes(routes!(directory::list_directory))
            .routes(routes!(company::get_company, company::update_company))
            .routes(routes!(wecom::update_wecom, wecom::delete_wecom))
            .routes(routes!(seats::get_seats))
            .routes(routes!(seats::add_seats))
            .routes(routes!(audit_log::list_audit_log))
            .routes(routes!(radar_grants::grant_radar, radar_grants::get_member_radar, radar_grants::revoke_radar))
            .routes(routes!(radar_grants::create_radar_code))
            .routes(routes!(radar_grants::list_radar_grants))
            .routes(routes!(radar_grants::get_radar_qr))
            .routes(routes!(radar_joins::create_radar_redemption))
            .routes(routes!(radar_joins::create_radar_join))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
