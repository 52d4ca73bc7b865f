//! A message as it was delivered, and the reason why it was not processed.

use domain::kernel::failure::Failure;

/// One message as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// SQS's id of the message.
    pub id: String,
    /// The handle of this delivery.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// How often it has been delivered, this time included.
    pub attempts: u32,
}

/// The reason why a message was not processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable, lower snake case.
    pub code: &'static str,
    /// For the person who reads the dead-letter queue; no personal data.
    pub detail: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &'static str, detail: impl ToString) -> Self {
        Self { code, detail: detail.to_string() }
    }
}

impl Reason {
    /// The code of what others were in the way of.
    pub(crate) const BUSY: &str = "busy";
}

impl From<&Failure> for Reason {
    fn from(failure: &Failure) -> Self {
        let code = match failure {
            Failure::Corrupt(_) => "corrupt_state",
            Failure::Busy => Self::BUSY,
            Failure::NotFound
            | Failure::Exists(_)
            | Failure::Exhausted(_)
            | Failure::OverBudget(_)
            | Failure::VersionConflict
            | Failure::RightsChanged
            | Failure::CompanySuspended
            | Failure::FreshLoginRequired
            | Failure::RoleRequired
            | Failure::KeyReused
            | Failure::Throttled
            | Failure::Unavailable(_) => "unavailable",
        };
        Self::new(code, failure)
    }
}
