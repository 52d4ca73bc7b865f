//! `/v1/companies/{company_id}/wecom`: the platform operator sets up a company's WeCom (企业微信). The
//! secret is stored by operations, separately; this stores only its name.

use app::company;
use axum::Json;
use axum::extract::State;
use domain::company::WeCom;
use domain::kernel::id::CompanyId;
use domain::kernel::text::OpaqueText;
use edge::body::Body;
use edge::operator::Operator;
use edge::path::PathId;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// The WeCom application of a company. Its secret is stored separately.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeComBody {
    /// The id of the company in WeCom (企业 ID).
    #[schema(value_type = String, max_length = 64)]
    corp_id: OpaqueText<64>,
    /// The application that sends notices.
    agent_id: u32,
    /// The last part of the name of the stored secret. The id of the company if absent.
    #[schema(value_type = Option<String>, max_length = 64)]
    secret_name: Option<OpaqueText<64>>,
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
    PathId(company_id): PathId<CompanyId>,
    Body(WeComBody { corp_id, agent_id, secret_name }): Body<WeComBody>,
) -> Result<Json<CompanyWeCom>, Problem> {
    let wecom = WeCom { corp_id, agent_id, secret_name };
    company::set_wecom(&app.flow(), operator.company(company_id), Some(&wecom)).await?;
    Ok(Json(CompanyWeCom { company_id, wecom: Some(wecom.into()) }))
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
    PathId(company_id): PathId<CompanyId>,
) -> Result<Json<CompanyWeCom>, Problem> {
    company::set_wecom(&app.flow(), operator.company(company_id), None).await?;
    Ok(Json(CompanyWeCom { company_id, wecom: None }))
}
