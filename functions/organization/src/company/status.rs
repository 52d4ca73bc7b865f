//! `PUT /v1/companies/{company_id}/status`: the platform operator suspends a company.

use app::company;
use axum::Json;
use axum::extract::State;
use domain::kernel::id::CompanyId;
use edge::body::Body;
use edge::operator::Operator;
use edge::path::PathId;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Whether a company is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CompanyStatus {
    /// Its members log in and work.
    Active,
    /// Its members log in and write no more. Nothing of it is deleted.
    Suspended,
}

/// The status that a company gets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyStatusUpdate {
    /// The status.
    status: CompanyStatus,
}

/// The status of a company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyStatusBody {
    /// The company.
    company_id: CompanyId,
    /// The status.
    status: CompanyStatus,
}

/// Suspend a company
///
/// Suspends a company, or ends its suspension. Nobody logs in to a suspended company, and no session
/// of it is refreshed: 403 `company_suspended`. What its members write is refused after a minute at
/// most, what they read after five minutes. Callers: the platform operator. Idempotent. Errors: 401
/// `unauthorized` without the right operator key.
#[utoipa::path(put, path = "/v1/companies/{company_id}/status", tag = "organization", security(("operator" = [])),
    request_body = CompanyStatusUpdate, responses((status = 200, body = CompanyStatusBody)))]
pub(crate) async fn update_company_status(
    State(app): State<App>,
    operator: Operator,
    PathId(company_id): PathId<CompanyId>,
    Body(CompanyStatusUpdate { status }): Body<CompanyStatusUpdate>,
) -> Result<Json<CompanyStatusBody>, Problem> {
    company::set_suspended(&app.flow(), operator.company(company_id), status == CompanyStatus::Suspended).await?;
    Ok(Json(CompanyStatusBody { company_id, status }))
}
