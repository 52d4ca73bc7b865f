//! CloudWatch metrics as one line of the embedded metric format (EMF) on standard output.

use std::io::Write as _;

use domain::kernel::budget::BudgetName;
use domain::kernel::timestamp::Timestamp;
use serde::Serialize;

/// The namespace of every metric.
const NAMESPACE: &str = "mingpian";

/// A struct whose fields are metrics and dimensions.
pub trait EmfMetrics: Serialize {
    /// Fields that are dimensions.
    const DIMENSIONS: &'static [&'static str];
    /// Fields that are metrics, with their CloudWatch unit.
    const METRICS: &'static [(&'static str, &'static str)];
}

/// Something that a budget has refused, for the alarm of the budget.
#[derive(Debug, Serialize)]
pub struct BudgetRefusal {
    level: &'static str,
    message: &'static str,
    budget: &'static str,
    budget_refusals: u32,
}

impl BudgetRefusal {
    /// One refusal.
    pub fn of(budget: BudgetName) -> Self {
        Self { level: "WARN", message: "budget", budget: budget.name(), budget_refusals: 1 }
    }
}

impl EmfMetrics for BudgetRefusal {
    const DIMENSIONS: &'static [&'static str] = &["budget"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("budget_refusals", "Count")];
}

/// Writes one line with all metrics of the struct.
pub fn emit<M: EmfMetrics>(metrics: &M, now: Timestamp) {
    // One write: standard output is split at line ends within each write.
    let mut line = line(metrics, now);
    line.push(b'\n');
    // A lost metric must not fail the work it measures.
    let _ = std::io::stdout().write_all(&line);
}

/// The line of a request is written for each: from the struct at once, not by way of a `Value`.
fn line<M: EmfMetrics>(metrics: &M, now: Timestamp) -> Vec<u8> {
    let directives = [EmfDirective {
        namespace: NAMESPACE,
        dimensions: [M::DIMENSIONS],
        metrics: M::METRICS.iter().map(|(name, unit)| EmfMetric { name, unit }).collect(),
    }];
    let line = EmfLine { aws: EmfMetadata { timestamp: now.millis(), directives }, metrics };
    serde_json::to_vec(&line).unwrap_or_default()
}

#[derive(Serialize)]
struct EmfLine<'a, M> {
    #[serde(rename = "_aws")]
    aws: EmfMetadata,
    #[serde(flatten)]
    metrics: &'a M,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EmfMetadata {
    timestamp: i64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: [EmfDirective; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EmfDirective {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 1],
    metrics: Vec<EmfMetric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EmfMetric {
    name: &'static str,
    unit: &'static str,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
            serde_json::from_slice::<Value>(&line).unwrap(),
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
