//! Dollars: the prices of `tests/lab/prices.toml` times the counts.

use serde::Deserialize;

use crate::usage::Usage;

/// The file, compiled in: a bill and its prices belong together.
const FILE: &str = include_str!("../prices.toml");

/// One price.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Price {
    usd_per_million: f64,
    /// The source of the price.
    pub(crate) source: String,
    /// When the price was looked up.
    pub(crate) date: toml::value::Datetime,
}

/// Assumptions about costs that the wire cannot measure.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Assumed {
    http_ms: f64,
    http_memory_mb: f64,
    aggregator_ms_per_100_messages: f64,
    aggregator_memory_mb: f64,
    messages_per_receive: f64,
}

/// All prices.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Prices {
    read_unit: Price,
    write_unit: Price,
    queue_request: Price,
    http_request: Price,
    lambda_request: Price,
    lambda_gb_second: Price,
    assumed: Assumed,
}

impl Prices {
    /// The prices that are checked in.
    pub(crate) fn load() -> Result<Self, toml::de::Error> {
        toml::from_str(FILE)
    }

    /// Every price with its name.
    pub(crate) fn list(&self) -> [(&'static str, &Price); 6] {
        [
            ("read unit", &self.read_unit),
            ("write unit", &self.write_unit),
            ("queue request", &self.queue_request),
            ("HTTP request", &self.http_request),
            ("Lambda request", &self.lambda_request),
            ("Lambda GB-second", &self.lambda_gb_second),
        ]
    }

    /// Dollars for a million times this usage, without the call of the function itself.
    fn of_usage(&self, usage: &Usage) -> f64 {
        usage.read_units * self.read_unit.usd_per_million
            + usage.write_units() * self.write_unit.usd_per_million
            + usage.queue_requests as f64 * self.queue_request.usd_per_million
    }

    fn of_lambda(&self, milliseconds: f64, memory_mb: f64) -> f64 {
        let gb_seconds = milliseconds / 1_000.0 * memory_mb / 1_024.0;
        self.lambda_request.usd_per_million + gb_seconds * self.lambda_gb_second.usd_per_million
    }

    /// Dollars for a million calls of a route with this usage.
    pub(crate) fn of_route(&self, usage: &Usage) -> f64 {
        let lambda = self.of_lambda(self.assumed.http_ms, self.assumed.http_memory_mb);
        self.of_usage(usage) + self.http_request.usd_per_million + lambda
    }

    /// Dollars for a million calls of the aggregator with this many messages each, including the
    /// queue's charge for receiving and deleting them.
    pub(crate) fn of_batch(&self, usage: &Usage, messages: usize) -> f64 {
        let messages = messages as f64;
        let milliseconds = self.assumed.aggregator_ms_per_100_messages * (messages / 100.0).max(0.1);
        let receives = (messages / self.assumed.messages_per_receive).ceil() * 2.0;
        self.of_usage(usage)
            + receives * self.queue_request.usd_per_million
            + self.of_lambda(milliseconds, self.assumed.aggregator_memory_mb)
    }
}

impl Price {
    /// The price as the bill shows it.
    pub(crate) fn text(&self) -> String {
        format!("{} $ per million", self.usd_per_million)
    }
}
