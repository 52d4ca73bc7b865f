//! `/v1/card-template`: what all cards of a company have in common.

use app::card;
use axum::Json;
use axum::extract::State;
use domain::card::{Address, Introduction, SharePhrase, Shortcuts, Style, WelcomeText};
use domain::card_template::{CardTemplate, Defaults, Locks};
use edge::auth::{Admin, Member};
use edge::body::Body;
use edge::problem::{Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// What a card shows where its owner has said nothing. `null` is no default.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardDefaults {
    /// Title of a shared card, at most 60 characters.
    #[schema(value_type = Option<String>, max_length = 60)]
    share_phrase: Option<SharePhrase>,
    /// 欢迎语, at most 200 characters.
    #[schema(value_type = Option<String>, max_length = 200)]
    welcome_text: Option<WelcomeText>,
    /// Of `add_wechat`, `call`, `save_card_code`, in the order to show; all without a default.
    #[schema(value_type = Option<Vec<String>>, max_items = 3)]
    shortcuts: Option<Shortcuts>,
}

/// The fields that owners cannot change, each with what every card shows. `null` is open.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardTemplateBody {
    /// Goes up with each change, 0 before the first; an edit names the one it was made from.
    version: u64,
    /// 地址, at most 200 characters.
    #[schema(value_type = Option<String>, max_length = 200)]
    address: Option<Address>,
    /// 个人介绍, at most 2,000 characters.
    #[schema(value_type = Option<String>, max_length = 2000)]
    introduction: Option<Introduction>,
    /// 名片样式: `classic`, `business`, `minimal`, `dark` or `festive`.
    #[schema(value_type = Option<String>, example = "classic")]
    style: Option<Style>,
    /// Title of a shared card, at most 60 characters.
    #[schema(value_type = Option<String>, max_length = 60)]
    share_phrase: Option<SharePhrase>,
    /// 欢迎语, at most 200 characters.
    #[schema(value_type = Option<String>, max_length = 200)]
    welcome_text: Option<WelcomeText>,
    /// For fields that are open; an owner's own value is shown before it.
    defaults: CardDefaults,
}

impl From<CardTemplate> for CardTemplateBody {
    fn from(template: CardTemplate) -> Self {
        let Locks { address, introduction, style, share_phrase, welcome_text } = template.locks;
        let defaults = CardDefaults {
            share_phrase: template.defaults.share_phrase,
            welcome_text: template.defaults.welcome_text,
            shortcuts: template.defaults.shortcuts,
        };
        Self { version: template.version, address, introduction, style, share_phrase, welcome_text, defaults }
    }
}

/// Read the card template
///
/// For members.
#[utoipa::path(get, path = "/v1/card-template", tag = "card", security(("bearer" = [])),
    responses((status = 200, body = CardTemplateBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_template(
    State(app): State<App>,
    member: Member,
) -> Result<Json<CardTemplateBody>, Problem> {
    let template = app.store.card_template(member.company()).await?;
    Ok(Json(template.into()))
}

/// Edit the card template
///
/// For admins and the boss. A change shows on every card within 15 seconds; a card's own value
/// is kept under a lock, and shown again when the lock is taken away.
#[utoipa::path(put, path = "/v1/card-template", tag = "card", security(("bearer" = [])), request_body = CardTemplateBody,
    responses((status = 200, body = CardTemplateBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_card_template(
    State(app): State<App>,
    admin: Admin,
    Body(update): Body<CardTemplateBody>,
) -> Result<Json<CardTemplateBody>, Problem> {
    let CardTemplateBody { version, address, introduction, style, share_phrase, welcome_text, defaults } = update;
    let locks = Locks { address, introduction, style, share_phrase, welcome_text };
    let CardDefaults { share_phrase, welcome_text, shortcuts } = defaults;
    let defaults = Defaults { share_phrase, welcome_text, shortcuts };
    let template = CardTemplate { locks, defaults, version: version.saturating_add(1) };
    let flow = app.flow();
    let stored = card::edit_template(&flow, admin.company(), admin.audit_actor(), template).await?;
    app.templates.remember(admin.company(), &stored, flow.now);
    Ok(Json(stored.into()))
}
