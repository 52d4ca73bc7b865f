//! Prints a generated file of the contract: `document` is `infra/openapi.json`, `routes` is
//! `infra/routes.json`. `scripts/openapi` writes both.

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1).as_deref() {
        Some("document") => mingpian_tests::document()?,
        Some("routes") => mingpian_tests::routes()?,
        _ => return Err("which file? openapi document | routes".into()),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
