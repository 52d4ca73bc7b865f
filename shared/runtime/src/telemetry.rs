//! Logs: JSON lines on standard output.
//!
//! Never log a token, phone number, openid, claim code or message text.

use tracing_subscriber::filter::LevelFilter;

/// Sends `tracing` events of level INFO and above to standard output as JSON.
pub fn init() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_ansi(false)
        .with_max_level(LevelFilter::INFO)
        .init();
}
