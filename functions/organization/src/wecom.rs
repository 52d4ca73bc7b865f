//! `/v1/companies/{company_id}/wecom`: the platform operator sets up a company's WeCom
//! (企业微信). The secret is stored by ops, apart; here is only its name.

use app::company;
use axum::Json;
use axum::extract::State;
use domain::company::WeCom;
use domain::id::CompanyId;
use domain::text::Code;
use edge::auth::Operator;
use edge::body::Body;
use edge::path::PathId;
use edge::problem::{Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A company's WeCom application. There is no field for its secret.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeComBody {
    /// 企业 ID
    #[schema(value_type = String, max_length = 64)]
    corp_id: Code<64>,
    /// The application that notices come from.
    agent_id: u32,
    /// What follows the prefix in the name of the secret; the company's id if absent.
    #[schema(value_type = Option<String>, max_length = 64)]
    secret_name: Option<Code<64>>,
}

/// A company's WeCom, if there is one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyWeCom {
    #[schema(value_type = String)]
    company_id: CompanyId,
    wecom: Option<WeComBody>,
}

impl From<WeCom> for WeComBody {
    fn from(WeCom { corp_id, agent_id, secret_name }: WeCom) -> Self {
        Self { corp_id, agent_id, secret_name }
    }
}

/// Set a company's WeCom
///
/// For the platform operator.
#[utoipa::path(put, path = "/v1/companies/{company_id}/wecom", tag = "organization", security(("operator" = [])), params(("company_id" = String, Path)),
    request_body = WeComBody,
    responses((status = 200, body = CompanyWeCom), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
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

/// Take a company's WeCom away
///
/// For the platform operator. Notices are off from then on.
#[utoipa::path(delete, path = "/v1/companies/{company_id}/wecom", tag = "organization", security(("operator" = [])), params(("company_id" = String, Path)),
    responses((status = 200, body = CompanyWeCom), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn delete_wecom(
    State(app): State<App>,
    operator: Operator,
    PathId(company_id): PathId<CompanyId>,
) -> Result<Json<CompanyWeCom>, Problem> {
    company::set_wecom(&app.flow(), operator.company(company_id), None).await?;
    Ok(Json(CompanyWeCom { company_id, wecom: None }))
}
