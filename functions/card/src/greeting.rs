//! The greeting: the member's own, the company's or the product's.

use axum::Json;
use axum::extract::State;
use domain::card::settings::{DEFAULT_GREETING, Greeting};
use domain::company::audit::AuditAction;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A greeting that a member sees below their name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GreetingBody {
    /// The greeting.
    greeting: String,
    /// Whether the caller has set no own greeting, or the company none.
    is_default: bool,
}

/// A greeting to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGreeting {
    /// The greeting, 1 to 60 characters. `null` removes it.
    greeting: Option<Greeting>,
}

impl GreetingBody {
    /// The first greeting that is set, the member's own before the company's.
    fn new(own: Option<Greeting>, company: Option<Greeting>) -> Self {
        let is_default = own.is_none();
        let greeting = own.or(company).map_or_else(|| DEFAULT_GREETING.to_owned(), |set| set.to_string());
        Self { greeting, is_default }
    }
}

/// Get my greeting
///
/// Returns the greeting that the caller sees: their own, else the one of the company, else the one
/// of the product. Callers: members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/my/greeting", tag = "settings", responses((status = 200, body = GreetingBody)))]
pub(crate) async fn get_my_greeting(State(app): State<App>, member: Staff) -> Result<Json<GreetingBody>, Problem> {
    let (own, company) = app.store.greetings(member.company(), member.id()).await?;
    Ok(Json(GreetingBody::new(own, company)))
}

/// Set my greeting
///
/// Replaces the caller's own greeting. `null` restores the greeting of the company. Callers:
/// members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(put, path = "/v1/my/greeting", tag = "settings", request_body = NewGreeting,
    responses((status = 200, body = GreetingBody)))]
pub(crate) async fn update_my_greeting(
    State(app): State<App>,
    member: Staff,
    Body(new): Body<NewGreeting>,
) -> Result<Json<GreetingBody>, Problem> {
    let (_, company) = app.store.greetings(member.company(), member.id()).await?;
    app.store.set_greeting(member.company(), member.id(), new.greeting.as_ref()).await?;
    Ok(Json(GreetingBody::new(new.greeting, company)))
}

/// Get the company's greeting
///
/// Returns the greeting for members who have set none. Callers: admins and the boss. Idempotent.
/// Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/greeting", tag = "settings", responses((status = 200, body = GreetingBody)))]
pub(crate) async fn get_greeting(State(app): State<App>, admin: Admin) -> Result<Json<GreetingBody>, Problem> {
    let company = app.store.company_greeting(admin.company()).await?;
    Ok(Json(GreetingBody::new(company, None)))
}

/// Set the company's greeting
///
/// Replaces the greeting for members who have set none. `null` restores the greeting of the
/// product. Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other
/// callers.
#[utoipa::path(put, path = "/v1/greeting", tag = "settings", request_body = NewGreeting,
    responses((status = 200, body = GreetingBody)))]
pub(crate) async fn update_greeting(
    State(app): State<App>,
    admin: Admin,
    Body(new): Body<NewGreeting>,
) -> Result<Json<GreetingBody>, Problem> {
    let read = app.store.company_greeting(admin.company()).await?;
    if read != new.greeting {
        let text = |greeting: &Option<Greeting>| greeting.as_ref().map_or_else(String::new, ToString::to_string);
        let (from, to) = (text(&read), text(&new.greeting));
        let (actor, target) = (admin.audit_actor(), admin.company().id());
        let audit = app.flow().audit_entry(actor, AuditAction::Greeting, target, from, to)?;
        app.store.set_company_greeting(admin.company(), new.greeting.as_ref(), &audit).await?;
    }
    Ok(Json(GreetingBody::new(new.greeting, None)))
}
