//! The queue of jobs: each message asks for the next steps of one.

use aws_sdk_sqs::error::DisplayErrorContext;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, JobId};
use serde::{Deserialize, Serialize};

use crate::clients::LazyClient;

/// The version of the messages.
pub const JOB_MESSAGE_VERSION: u32 = 1;

/// A message: the job whose next steps are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMessage {
    /// [`JOB_MESSAGE_VERSION`].
    pub v: u32,
    /// The company.
    pub company: CompanyId,
    /// The job.
    pub job: JobId,
}

/// The queue.
#[derive(Debug, Clone)]
pub struct JobQueue {
    sqs: LazyClient<aws_sdk_sqs::Client>,
    url: String,
}

impl JobQueue {
    /// The queue with this URL.
    pub fn new(sqs: impl Into<LazyClient<aws_sdk_sqs::Client>>, url: String) -> Self {
        Self { sqs: sqs.into(), url }
    }

    /// Asks for the next steps of a job.
    ///
    /// # Errors
    /// [`Failure::Unavailable`]: the job is found by the list of what is due.
    pub async fn send(&self, company: CompanyId, job: JobId) -> Result<(), Failure> {
        let message = JobMessage { v: JOB_MESSAGE_VERSION, company, job };
        let body = serde_json::to_string(&message).map_err(|error| Failure::Corrupt(error.to_string()))?;
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| Failure::Unavailable(DisplayErrorContext(error).to_string()))
    }
}
