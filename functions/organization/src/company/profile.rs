//! `/v1/company`: the profile of the caller's company.

use axum::Json;
use axum::extract::State;
use domain::company::CompanyName;
use domain::company::CompanyProfile;
use domain::company::audit::AuditAction;
use domain::kernel::id::CompanyId;
use domain::kernel::text::AppId;
use domain::kernel::timestamp::Timestamp;
use edge::auth::{Boss, Staff};
use edge::body::Body;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

edge::closed_sets! {
    /// Whether the company's WeCom (企业微信) is set up.
    WeComSetup = "configured" | "not_configured";
    /// Whether notices are sent.
    NoticeSwitch = "off";
    /// The reason why no notices are sent.
    NoticesOffReason = "wecom_not_configured" | "not_available";
}

/// The company as its members see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyView {
    /// The id.
    id: CompanyId,
    /// The name.
    name: CompanyName,
    /// The app id of the mini-program.
    appid: AppId,
    /// The settings that only admins and the boss see. Absent for other members.
    #[serde(skip_serializing_if = "Option::is_none")]
    administration: Option<Administration>,
}

/// The settings of a company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Administration {
    /// Whether WeCom (企业微信) is set up.
    #[schema(value_type = WeComSetup)]
    wecom: &'static str,
    /// Whether notices are sent.
    #[schema(value_type = NoticeSwitch)]
    notices: &'static str,
    /// Why notices are off.
    #[schema(value_type = NoticesOffReason)]
    notices_reason: &'static str,
    /// When the company was created.
    created_at: Timestamp,
}

/// The new name of a company.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyUpdate {
    /// The name of the company. Existing cards keep the name that they show.
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

/// Get my company
///
/// Returns the profile of the company. Admins and the boss also get `administration`. Callers:
/// members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/company", tag = "organization", responses((status = 200, body = CompanyView)))]
pub(crate) async fn get_company(State(app): State<App>, member: Staff) -> Result<Json<CompanyView>, Problem> {
    let profile = app.store.company(member.company()).await?;
    Ok(Json(CompanyView::new(profile, member.is_admin())))
}

/// Rename my company
///
/// Changes the name of the company. Existing cards keep the name that they show: change it with
/// `PUT /v1/cards/{card_id}/identity`. Callers: the boss. Idempotent. Errors: 403 `role_required`
/// for other callers; 409 `version_conflict` when somebody else renamed the company at the same
/// moment.
#[utoipa::path(put, path = "/v1/company", tag = "organization", request_body = CompanyUpdate,
    responses((status = 200, body = CompanyView)))]
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
