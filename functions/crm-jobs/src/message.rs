//! Queue messages: the next steps of a job.

use domain::company::Company;
use domain::kernel::id::JobId;
use runtime::delivery::Reason;
use runtime::job_queue::{JOB_MESSAGE_VERSION, JobMessage};

/// The job of a message. This function sent it, so its company can be trusted.
pub(crate) fn read(body: &str) -> Result<(Company, JobId), Reason> {
    let JobMessage { v, company, job } =
        serde_json::from_str(body).map_err(|error| Reason::new("unreadable_message", error))?;
    if v == JOB_MESSAGE_VERSION {
        Ok((Company::granted(company), job))
    } else {
        Err(Reason::new("unknown_version", format!("version {v}, this code reads {JOB_MESSAGE_VERSION}")))
    }
}
