//! `/v1/card-template`: the fields that all cards of a company share.

use app::card;
use axum::Json;
use axum::extract::State;
use domain::card::template::{CardTemplate, Defaults, Locks};
use domain::card::{Address, Introduction, SharePhrase, Shortcuts, Style, WelcomeText};
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// The values of fields that the owner of a card has not set. `null` means no default.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardDefaults {
    /// The title of a shared card.
    share_phrase: Option<SharePhrase>,
    /// The text that welcomes a visitor. Can hold line breaks.
    welcome_text: Option<WelcomeText>,
    /// The buttons in the order to show. Without a default all buttons are shown.
    shortcuts: Option<Shortcuts>,
}

/// The card template of the company. A field that is not `null` is locked on all cards and shows
/// this value.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardTemplateBody {
    /// The version of the template, 0 before the first change. It grows with each change. Send it
    /// with an edit.
    version: u64,
    /// The postal address (地址).
    address: Option<Address>,
    /// The introduction (个人介绍). Can hold line breaks.
    introduction: Option<Introduction>,
    /// The style of the card (名片样式).
    style: Option<Style>,
    /// The title of a shared card.
    share_phrase: Option<SharePhrase>,
    /// The text that welcomes a visitor (欢迎语). Can hold line breaks.
    welcome_text: Option<WelcomeText>,
    /// Defaults for open fields. A card's own value has priority.
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

/// Get the card template
///
/// Returns the fields that the company locks on all cards, and the defaults for open fields.
/// Callers: members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/card-template", tag = "card", responses((status = 200, body = CardTemplateBody)))]
pub(crate) async fn get_card_template(
    State(app): State<App>,
    member: Staff,
) -> Result<Json<CardTemplateBody>, Problem> {
    let template = app.store.card_template(member.company()).await?;
    Ok(Json(template.into()))
}

/// Replace the card template
///
/// Replaces locks and defaults. A change shows on every card within 15 seconds. A card keeps its
/// own value below a lock and shows it again when the lock is removed. Callers: admins and the
/// boss. Idempotent: an edit that is already stored succeeds again. Errors: 403 `role_required` for
/// other callers; 409 `version_conflict` when somebody else changed the template since `version`
/// was read.
#[utoipa::path(put, path = "/v1/card-template", tag = "card", request_body = CardTemplateBody,
    responses((status = 200, body = CardTemplateBody)))]
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
