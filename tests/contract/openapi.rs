//! All functions together: one OpenAPI document, and the functions built on a test's world.

use edge::openapi::DocumentError;

pub mod functions;

/// The document, as it is checked in at `infra/openapi.json`.
///
/// # Errors
/// When the functions' parts make no document.
pub fn document() -> Result<String, DocumentError> {
    let parts = [
        organization::openapi(),
        card::openapi(),
        tracking::openapi(),
        radar::openapi(),
        crm::openapi(),
        video::openapi(),
    ];
    Ok(serde_json::to_string_pretty(&edge::openapi::document(parts)?)? + "\n")
}
