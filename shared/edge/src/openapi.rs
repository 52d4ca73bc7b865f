//! The contract: what every function's OpenAPI document has in common.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::{FieldProblem, ProblemBody};

/// Title, security schemes and the problem schema.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "mingpian",
        description = "Backend of an AI business card (商事名片). Conventions: docs/API-DESIGN.md.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody, FieldProblem)),
    modifiers(&Security),
)]
pub struct ApiDoc;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let operator = ApiKey::Header(ApiKeyValue::new("X-Operator-Key"));
        components.add_security_scheme("operator", SecurityScheme::ApiKey(operator));
    }
}
