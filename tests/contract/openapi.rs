//! All functions together: one OpenAPI document, and the functions built on a test's world.

use edge::openapi::DocumentError;

pub mod functions;

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::OpenApi;

/// Each HTTP function's name and its part of the document, made from its router.
fn parts() -> [(&'static str, OpenApi); 6] {
    [
        ("organization", organization::openapi()),
        ("card", card::openapi()),
        ("tracking", tracking::openapi()),
        ("radar", radar::openapi()),
        ("crm", crm::openapi()),
        ("video", video::openapi()),
    ]
}

/// The document, as it is checked in at `infra/openapi.json`.
///
/// If the functions' parts make no document.
/// When the functions' parts make no document.
pub fn document() -> Result<String, DocumentError> {
    let document = edge::openapi::document(parts().map(|(_, part)| part))?;
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// The function of each operation ("METHOD /path"), as checked in at `infra/routes.json`. The
/// gateway's routes are made from it.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn routes() -> Result<String, serde_json::Error> {
    let mut routes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (function, part) in parts() {
        let part = serde_json::to_value(part)?;
        let paths = part["paths"].as_object().into_iter().flatten();
        let mut operations: Vec<String> = paths
            .flat_map(|(path, item)| {
                let methods = item.as_object().into_iter().flat_map(serde_json::Map::keys);
                methods.filter(|key| is_method(key)).map(move |key| format!("{} {path}", key.to_uppercase()))
            })
            .collect();
        operations.sort_by_cached_key(|operation| {
            operation.split_once(' ').map(|(method, path)| (path.to_owned(), method.to_owned()))
        });
        routes.insert(function, operations);
    }
    pretty(&serde_json::to_value(routes)?)
}

fn is_method(key: &str) -> bool {
    matches!(key, "get" | "post" | "put" | "delete")
}

fn pretty(value: &Value) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
