//! `/v1/customer-rules`: how many customers a member may claim, and what is shown of those whom nobody
//! owns (公海规则).

use app::crm::ownership;
use axum::Json;
use axum::extract::State;
use domain::crm::customer_rules::CustomerRules;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::problem::{FieldProblem, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// The rules of the company for its customers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerRulesBody {
    /// The version of the rules, 0 before the first change. It grows with each change. Send it with an
    /// edit.
    version: u64,
    /// How many customers a member may hold by claims, assignments and handovers when they claim another
    /// one: 1 to 10,000.
    held_max: u32,
    /// How many customers a member may claim in a day of Asia/Shanghai: 1 to 1,000.
    claims_max: u32,
    /// Whether phone, email and address of a customer whom nobody owns are hidden from those who may
    /// claim them.
    contacts_hidden: bool,
}

impl From<CustomerRules> for CustomerRulesBody {
    fn from(CustomerRules { version, held_max, claims_max, contacts_hidden }: CustomerRules) -> Self {
        Self { version, held_max, claims_max, contacts_hidden }
    }
}

impl CustomerRulesBody {
    /// The rules of the next version.
    fn next(self) -> Result<CustomerRules, Problem> {
        let Self { version, held_max, claims_max, contacts_hidden } = self;
        let next = CustomerRules { version: version.saturating_add(1), held_max, claims_max, contacts_hidden };
        next.check().map_err(|errors| Problem::invalid(errors.iter().map(|it| FieldProblem::new("", it)).collect()))
    }
}

/// Get the rules for customers
///
/// Callers: members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/customer-rules", tag = "crm", responses((status = 200, body = CustomerRulesBody)))]
pub(crate) async fn get_customer_rules(
    State(app): State<App>,
    member: Staff,
) -> Result<Json<CustomerRulesBody>, Problem> {
    Ok(Json(app.store.customer_rules(member.company()).await?.into()))
}

/// Replace the rules for customers
///
/// Callers: admins and the boss. Idempotent: an edit that is already stored succeeds again. Errors: 403
/// `role_required` for other callers; 409 `version_conflict` when somebody else changed the rules since
/// `version` was read; 422 `invalid` for each wrong number.
#[utoipa::path(put, path = "/v1/customer-rules", tag = "crm", request_body = CustomerRulesBody,
    responses((status = 200, body = CustomerRulesBody)))]
pub(crate) async fn update_customer_rules(
    State(app): State<App>,
    admin: Admin,
    Body(update): Body<CustomerRulesBody>,
) -> Result<Json<CustomerRulesBody>, Problem> {
    let stored = ownership::set_rules(&app.flow(), admin.company(), admin.member(), update.next()?).await?;
    Ok(Json(stored.into()))
}
