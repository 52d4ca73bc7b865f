//! How an action can fail, independent of table and HTTP.

use crate::kernel::budget::OverBudget;

/// What exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A mini-program's binding to a company.
    App,
    /// A card.
    Card,
    /// A claim code.
    Claim,
    /// A company.
    Company,
    /// An open handover of the same member.
    Handover,
    /// A hold on a quota.
    Hold,
    /// An invitation.
    Invitation,
    /// A request to join.
    JoinRequest,
    /// The number of a live message.
    LiveMark,
    /// A member.
    Member,
    /// A person's membership in the company.
    Membership,
    /// A merge of two identities.
    Merge,
    /// A company's model of close rates.
    Model,
    /// A quota.
    Quota,
    /// A segment of the event log.
    Segment,
    /// A share.
    Share,
    /// An upload.
    Upload,
}

/// What there is a limited number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// 席位: active members, and invitations that have not expired.
    Seats,
    /// Open sockets of one card.
    Sockets,
    /// Open jobs of a company.
    Jobs,
}

/// A failed action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no such thing, or the caller must not know that there is.
    #[error("not found")]
    NotFound,
    /// What should be created exists already.
    #[error("{0:?} exists already")]
    Exists(Thing),
    /// There are not enough units of a resource.
    #[error("no {0:?} left")]
    Exhausted(Resource),
    /// A person, a company or an address has done too much in a time.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// The thing has changed since it was read.
    #[error("changed since it was read")]
    VersionConflict,
    /// The member who acts no longer has the rights that their token was signed for.
    #[error("rights have changed")]
    RightsChanged,
    /// The member who acts logged in too long ago for this.
    #[error("a fresh login is required")]
    FreshLoginRequired,
    /// The platform operator has suspended the company of the member who acts.
    #[error("the company is suspended")]
    CompanySuspended,
    /// What the member who acts may do does not reach the one they would change.
    #[error("another role is required")]
    RoleRequired,
    /// The idempotency key was used before with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// Another writer is in the way; worth trying again soon.
    #[error("busy")]
    Busy,
    /// The table takes no more at the moment; worth trying again later.
    #[error("throttled")]
    Throttled,
    /// Stored data cannot be read by this code; for the log only.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// Something we depend on did not answer; for the log only.
    #[error("unavailable: {0}")]
    Unavailable(String),
}
