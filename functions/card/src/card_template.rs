//! `/v1/card-template`: what all cards of a company have in common.

use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::card::{Address, Introduction, SharePhrase, Shortcuts, Style, WelcomeText};
use domain::card_template::{CardTemplate, Defaults, Locks};
use domain::failure::Failure;
use edge::auth::{Admin, Member};
use edge::body::Body;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, audit};

/// What a card shows where its owner has said nothing. `null` is no default.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardDefaults {
    /// Title of a shared card, at most 60 characters.
    share_phrase: Option<SharePhrase>,
    /// 欢迎语, at most 200 characters.
    welcome_text: Option<WelcomeText>,
    /// Of `add_wechat`, `call`, `save_card_code`, in the order to show; all without a default.
    shortcuts: Option<Shortcuts>,
}

/// The fields that owners cannot change, each with what every card shows. `null` is open.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardTemplateBody {
    /// Goes up with each change, 0 before the first; an edit names the one it was made from.
    version: u64,
    /// 地址, at most 200 characters.
    address: Option<Address>,
    /// 个人介绍, at most 2,000 characters.
    introduction: Option<Introduction>,
    /// 名片样式: `classic`, `business`, `minimal`, `dark` or `festive`.
    style: Option<Style>,
    /// Title of a shared card, at most 60 characters.
    share_phrase: Option<SharePhrase>,
    /// 欢迎语, at most 200 characters.
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

/// Get the card template
///
/// Returns the fields that the company locks on all cards, and the defaults for open fields.
/// Callers: members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/card-template", tag = "card", responses((status = 200, body = CardTemplateBody)))]
pub(crate) async fn get_card_template(
    State(app): State<App>,
    member: Member,
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
    let audit = audit::of_company(&app, &admin, AuditAction::CardTemplate, String::new(), audit::json(&template)?)?;
    match app.store.edit_card_template(admin.company(), &template, &audit).await {
        Err(Failure::VersionConflict) => {
            // All may be as it is wanted: then the edit is repeated by somebody who has not heard of it.
            let stored = app.store.card_template(admin.company()).await?;
            let same = (&stored.locks, &stored.defaults) == (&template.locks, &template.defaults);
            return if same { Ok(Json(stored.into())) } else { Err(Failure::VersionConflict.into()) };
        }
        done => done?,
    }
    app.templates.remember(admin.company(), &template, app.clock.now());
    Ok(Json(template.into()))
}
