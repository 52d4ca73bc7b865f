//! The usage of a series of calls, from the answers of the services.

use std::collections::BTreeMap;

use crate::operation::Operation;

/// Bytes that SQS bills as one request.
const QUEUE_REQUEST_BYTES: usize = 64 * 1_024;

/// Calls, units and bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Usage {
    /// How often each AWS operation was called.
    pub(crate) calls: BTreeMap<String, u32>,
    /// DynamoDB read request units.
    pub(crate) read_units: f64,
    /// DynamoDB write request units by the type of the item, indexes included.
    pub(crate) written: BTreeMap<String, f64>,
    /// Requests that SQS bills.
    pub(crate) queue_requests: usize,
    /// Bytes of request bodies.
    pub(crate) sent: usize,
    /// Bytes of answer bodies.
    pub(crate) received: usize,
}

impl Usage {
    /// Number of calls of all operations.
    pub(crate) fn call_count(&self) -> u32 {
        self.calls.values().sum()
    }

    /// DynamoDB write request units.
    pub(crate) fn write_units(&self) -> f64 {
        self.written.values().fold(0.0, |sum, units| sum + units)
    }

    /// Adds one call: its request body, and its answer body as the caller gets it.
    pub(crate) fn add(&mut self, operation: &Operation, sent: usize, received: usize) {
        *self.calls.entry(operation.name.clone()).or_default() += 1;
        self.sent += sent;
        self.received += received;
        if operation.is_queue() {
            self.queue_requests += sent.div_ceil(QUEUE_REQUEST_BYTES).max(1);
        }
    }

    /// Adds the units of a write.
    pub(crate) fn add_written(&mut self, written: BTreeMap<String, f64>) {
        for (kind, units) in written {
            *self.written.entry(kind).or_default() += units;
        }
    }
}

/// The cells of a row.
pub(crate) fn cells(usage: &Usage, dollars: f64, note: &str) -> Vec<String> {
    let calls =
        usage.calls.iter().map(|(name, times)| if *times == 1 { name.clone() } else { format!("{name} ×{times}") });
    let calls = calls.collect::<Vec<_>>().join(", ");
    let which = [calls.as_str(), note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    vec![
        usage.call_count().to_string(),
        format!("{:.1}", usage.read_units),
        format!("{:.1}", usage.write_units()),
        usage.sent.to_string(),
        usage.received.to_string(),
        format!("{dollars:.3}"),
        if which.is_empty() { "–".to_owned() } else { which },
    ]
}
