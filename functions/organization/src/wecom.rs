//! `/v1/companies/{company_id}/wecom`: the platform operator sets up a company's WeCom
//! (企业微信). The secret is stored by ops, apart; here is only its name.

use axum::Json;
use axum::extract::State;
use domain::audit::{AuditAction, AuditActor};
use domain::company::WeCom;
use domain::failure::Failure;
use domain::id::CompanyId;
use domain::text::Code;
use edge::auth::Operator;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::audit_log::entry;

/// The WeCom application of a company. Its secret is stored separately.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeComBody {
    /// The id of the company in WeCom (企业 ID).
    #[schema(value_type = String, max_length = 64)]
    corp_id: Code<64>,
    /// The application that sends notices.
    agent_id: u32,
    /// The last part of the name of the stored secret. The id of the company if absent.
    #[schema(value_type = Option<String>, max_length = 64)]
    secret_name: Option<Code<64>>,
}

/// The WeCom application of a company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyWeCom {
    /// The company.
    company_id: CompanyId,
    /// The WeCom application. `null` if there is none.
    wecom: Option<WeComBody>,
}

impl From<WeCom> for WeComBody {
    fn from(WeCom { corp_id, agent_id, secret_name }: WeCom) -> Self {
        Self { corp_id, agent_id, secret_name }
    }
}

/// Set a company's WeCom application
///
/// Stores the WeCom (企业微信) application of a company. The secret of the application is stored
/// separately. Callers: the platform operator. Idempotent. Errors: 401 `unauthorized` without the
/// right operator key.
#[utoipa::path(put, path = "/v1/companies/{company_id}/wecom", tag = "organization", security(("operator" = [])),
    request_body = WeComBody, responses((status = 200, body = CompanyWeCom)))]
pub(crate) async fn update_wecom(
    State(app): State<App>,
    operator: Operator,
    PathId(company): PathId<CompanyId>,
    Body(WeComBody { corp_id, agent_id, secret_name }): Body<WeComBody>,
) -> Result<Json<CompanyWeCom>, Problem> {
    set(&app, operator, company, Some(WeCom { corp_id, agent_id, secret_name })).await
}

/// Remove a company's WeCom application
///
/// Removes the WeCom (企业微信) application of a company. Notices are off from then on. Callers: the
/// platform operator. Idempotent. Errors: 401 `unauthorized` without the right operator key.
#[utoipa::path(delete, path = "/v1/companies/{company_id}/wecom", tag = "organization", security(("operator" = [])),
    responses((status = 200, body = CompanyWeCom)))]
pub(crate) async fn delete_wecom(
    State(app): State<App>,
    operator: Operator,
    PathId(company): PathId<CompanyId>,
) -> Result<Json<CompanyWeCom>, Problem> {
    set(&app, operator, company, None).await
}

async fn set(
    app: &App,
    operator: Operator,
    company_id: CompanyId,
    wecom: Option<WeCom>,
) -> Result<Json<CompanyWeCom>, Problem> {
    let company = operator.company(company_id);
    let read = app.store.company(company).await?;
    if read.wecom != wecom {
        let json = |wecom: &Option<WeCom>| wecom.as_ref().map_or_else(|| Ok(String::new()), serde_json::to_string);
        let [from, to] =
            [&read.wecom, &wecom].map(|wecom| json(wecom).map_err(|error| Failure::Corrupt(error.to_string())));
        let audit = entry(app, AuditActor::Operator, AuditAction::Wecom, company_id.to_string(), from?, to?)?;
        app.store.set_wecom(company, wecom.as_ref(), &audit).await?;
    }
    Ok(Json(CompanyWeCom { company_id, wecom: wecom.map(WeComBody::from) }))
}
