//! `/v1/company`: the profile of one's own company.

use axum::Json;
use axum::extract::State;
use domain::audit::AuditAction;
use domain::card::CompanyName;
use domain::company::CompanyProfile;
use domain::id::CompanyId;
use domain::text::AppId;
use domain::timestamp::Timestamp;
use edge::auth::{Boss, Member};
use edge::body::Body;
use edge::problem::{Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A company, as its members see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyView {
    #[schema(value_type = String)]
    id: CompanyId,
    #[schema(value_type = String)]
    name: CompanyName,
    /// The app id of its mini-program.
    #[schema(value_type = String)]
    appid: AppId,
    /// What admins and the boss see besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    administration: Option<Administration>,
}

/// How a company is set up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Administration {
    /// 企业微信: `configured` or `not_configured`.
    wecom: &'static str,
    /// `off`; whatever sends notices is left out, and nothing fails.
    notices: &'static str,
    /// Why: `wecom_not_configured`, or `not_available` while the product sends none.
    notices_reason: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A company as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyUpdate {
    /// 1 to 60 characters. Cards keep the name they have.
    #[schema(value_type = String, min_length = 1, max_length = 60)]
    name: CompanyName,
}

impl CompanyView {
    fn new(profile: CompanyProfile, for_heads: bool) -> Self {
        let (wecom, notices_reason) = match profile.wecom {
            Some(_) => ("configured", "not_available"),
            None => ("not_configured", "wecom_not_configured"),
        };
        let administration = Administration { wecom, notices: "off", notices_reason, created_at: profile.created_at };
        let CompanyProfile { id, name, appid, .. } = profile;
        Self { id, name, appid, administration: for_heads.then_some(administration) }
    }
}

/// View my company
///
/// For members; admins and the boss see how it is set up.
#[utoipa::path(get, path = "/v1/company", tag = "organization", security(("bearer" = [])),
    responses((status = 200, body = CompanyView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company(State(app): State<App>, member: Member) -> Result<Json<CompanyView>, Problem> {
    let profile = app.store.company(member.company()).await?;
    Ok(Json(CompanyView::new(profile, member.is_head())))
}

/// Rename my company
///
/// For the boss. Cards carry the company's name as it was when they were made: a card's
/// is changed with `PUT /v1/cards/{card_id}/identity`.
#[utoipa::path(put, path = "/v1/company", tag = "organization", security(("bearer" = [])), request_body = CompanyUpdate,
    responses((status = 200, body = CompanyView), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn update_company(
    State(app): State<App>,
    boss: Boss,
    Body(update): Body<CompanyUpdate>,
) -> Result<Json<CompanyView>, Problem> {
    let read = app.store.company(boss.company()).await?;
    if read.name != update.name {
        let (was, name) = (read.name.as_str(), update.name.as_str());
        let audit = app.flow().audit_entry(boss.audit_actor(), AuditAction::CompanyName, read.id, was, name)?;
        app.store.rename_company(boss.company(), &read.name, &update.name, &audit).await?;
    }
    Ok(Json(CompanyView::new(CompanyProfile { name: update.name, ..read }, true)))
}
