//! Prints the contract; `scripts/openapi` writes it to `infra/openapi.json`.

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::io::stdout().lock().write_all(mingpian_tests::document()?.as_bytes())?;
    Ok(())
}
