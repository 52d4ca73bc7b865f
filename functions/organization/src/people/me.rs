//! `GET /v1/me`: who the token is for.

use axum::Json;
use axum::extract::State;
use domain::company::CompanyName;
use domain::company::CompanyProfile;
use domain::kernel::id::{CompanyId, PersonId};
use edge::auth::Caller;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::people::member::MemberBody;

edge::closed_sets! {
    /// Whether a person is a visitor or a member of the company of the session.
    PersonKind = "visitor" | "member";
}

/// The person and the company of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Whether the person is a visitor or an active member of the company.
    #[schema(value_type = PersonKind)]
    kind: &'static str,
    /// The person.
    person_id: PersonId,
    /// The company.
    company: CompanySummary,
    /// The membership. `null` for visitors.
    member: Option<MemberBody>,
}

/// The public data of a company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanySummary {
    /// The id.
    id: CompanyId,
    /// The name.
    name: CompanyName,
}

impl Me {
    pub(crate) fn new(person: PersonId, company: CompanyProfile, member: Option<MemberBody>) -> Self {
        let kind = if member.is_some() { "member" } else { "visitor" };
        Self { kind, person_id: person, company: CompanySummary { id: company.id, name: company.name }, member }
    }
}

/// Get the current person and company
///
/// Returns the person of the token, the company of the session, and the membership if there is one.
/// Callers: everyone who has logged in, visitors included. Idempotent.
#[utoipa::path(get, path = "/v1/me", tag = "organization", responses((status = 200, body = Me)))]
pub(crate) async fn get_me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Problem> {
    let member = caller.membership().map(|membership| membership.member);
    let (company, member) = app.store.company_and_member(caller.company(), member).await?;
    Ok(Json(Me::new(caller.person(), company, member.map(MemberBody::from))))
}
