//! CloudWatch metrics as one line of the embedded metric format (EMF) on standard output.

use std::io::Write as _;

use domain::kernel::timestamp::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// The namespace of every metric.
const NAMESPACE: &str = "mingpian";

/// A struct whose fields are metrics and dimensions.
pub trait EmfMetrics: Serialize {
    /// Fields that are dimensions.
    const DIMENSIONS: &'static [&'static str];
    /// Fields that are metrics, with their CloudWatch unit.
    const METRICS: &'static [(&'static str, &'static str)];
}

/// Writes one line with all metrics of the struct.
pub fn emit<M: EmfMetrics>(metrics: &M, now: Timestamp) {
    // One write: standard output is split at line ends within each write.
    let line = format!("{}\n", line(metrics, now));
    // A lost metric must not fail the work it measures.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

fn line<M: EmfMetrics>(metrics: &M, now: Timestamp) -> Value {
    let mut line = serde_json::to_value(metrics).unwrap_or_default();
    let units: Vec<_> = M::METRICS.iter().map(|(name, unit)| json!({"Name": name, "Unit": unit})).collect();
    line["_aws"] = json!({
        "Timestamp": now.millis(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [M::DIMENSIONS], "Metrics": units}],
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Ingested {
        function: &'static str,
        events: u32,
    }

    impl EmfMetrics for Ingested {
        const DIMENSIONS: &'static [&'static str] = &["function"];
        const METRICS: &'static [(&'static str, &'static str)] = &[("events", "Count")];
    }

    #[test]
    fn a_line_names_its_metrics_and_dimensions() {
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let line = line(&Ingested { function: "tracking", events: 3 }, now);
        assert_eq!(
            line,
            json!({
                "function": "tracking",
                "events": 3,
                "_aws": {
                    "Timestamp": now.millis(),
                    "CloudWatchMetrics": [{
                        "Namespace": "mingpian",
                        "Dimensions": [["function"]],
                        "Metrics": [{"Name": "events", "Unit": "Count"}],
                    }],
                },
            })
        );
    }
}
