//! All functions together: one OpenAPI document, and the functions built on a test's world.

pub mod functions;

/// The document, as it is checked in at `infra/openapi.json`.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn document() -> Result<String, serde_json::Error> {
    let mut document = organization::openapi();
    for part in [card::openapi(), tracking::openapi(), radar::openapi(), crm::openapi(), video::openapi()] {
        document.merge(part);
    }
    Ok(serde_json::to_string_pretty(&serde_json::to_value(document)?)? + "\n")
}
