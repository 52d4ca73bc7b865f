//! The queue of the live radar: when what a member may do changes, their open sockets are closed.

use aws_sdk_sqs::error::DisplayErrorContext;
use domain::company::Company;
use domain::kernel::id::MemberId;
use domain::kernel::timestamp::Timestamp;
use domain::radar::live::CloseSockets;
use runtime::clients::LazyClient;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;

/// The queue.
#[derive(Debug, Clone)]
pub struct LiveQueue {
    sqs: LazyClient<aws_sdk_sqs::Client>,
    url: String,
}

/// The log line of a message that the queue has not taken.
#[derive(Debug, Serialize)]
struct NotClosedLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    cause: &'a str,
    live_unsent: u32,
}

impl EmfMetrics for NotClosedLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("live_unsent", "Count")];
}

impl LiveQueue {
    /// The queue with this URL.
    pub fn new(sqs: LazyClient<aws_sdk_sqs::Client>, url: String) -> Self {
        Self { sqs, url }
    }

    /// Has the sockets closed that a member opened before their rights changed. If the queue does not
    /// take the message, after the client's own retries, that is logged and raises an alarm, and the
    /// request succeeds all the same: `live` looks at the member again before it writes to a socket.
    pub(crate) async fn close_sockets(&self, company: Company, member: MemberId, now: Timestamp) {
        let sent = self.send(&CloseSockets::of(company.id(), member)).await;
        if let Err(cause) = sent {
            let (level, message, function) = ("WARN", "unsent", "organization");
            emit(&NotClosedLine { level, message, function, cause: &cause, live_unsent: 1 }, now);
        }
    }

    async fn send(&self, message: &CloseSockets) -> Result<(), String> {
        let body = serde_json::to_string(message).map_err(|error| error.to_string())?;
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| DisplayErrorContext(error).to_string())
    }
}
