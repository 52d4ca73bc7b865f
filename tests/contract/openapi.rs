//! The contract: one OpenAPI document out of every function's part.

use utoipa::openapi::OpenApi;

/// The document, as it is checked in at `infra/openapi.json`.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn document() -> Result<String, serde_json::Error> {
    let parts = [organization::openapi(), card::openapi(), tracking::openapi(), radar::openapi()];
    let merged = parts
        .into_iter()
        .fold(OpenApi::default(), |all, part| if all.paths.paths.is_empty() { part } else { merge(all, part) });
    Ok(serde_json::to_string_pretty(&serde_json::to_value(merged)?)? + "\n")
}

fn merge(mut all: OpenApi, part: OpenApi) -> OpenApi {
    all.merge(part);
    all
}
