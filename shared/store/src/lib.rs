//! The single DynamoDB table.
//!
//! Keys, items, transactions and cursors live here and nowhere else. Attribute values,
//! expressions and SDK errors do not leave this crate; each access pattern is one named method of
//! [`Store`]. Decisions that need no table belong to `domain`.

mod card;
mod close_rate;
mod company;
mod crm;
mod keys;
mod media;
mod people;
mod radar;
mod shop;
mod table;
mod tracking;

pub use crate::card::CardChange;
pub use crate::card::media::CardWithUploads;
pub use crate::card::view::{CardView, NewCardContext};
pub use crate::card::voice::VoiceToSet;
pub use crate::close_rate::model::{CloseRateModel, Fitted};
pub use crate::close_rate::shortlist::{ShortlistCandidate, StoredShortlist};
pub use crate::company::NewCompany;
pub use crate::company::book::{AddedTo, BookAdded, BookPlace, StoredCompanyBook};
pub use crate::company::department::DepartmentAdded;
pub use crate::company::quota::QuotaName;
pub use crate::crm::addition::{AdditionContext, CustomerAdded, NewCustomer};
pub use crate::crm::automation::{AutomationLogEntry, AutomationWrite, feed_page_at};
pub use crate::crm::book::CustomerBooks;
pub use crate::crm::customer::IDENTITIES_MAX;
pub use crate::crm::follow_up_plan::FollowUpPlan;
pub use crate::crm::handover::HandoverProgress;
pub use crate::crm::handover_move::MovesOfCustomer;
pub use crate::crm::handover_start::HandoverContext;
pub use crate::crm::import::RowContext;
pub use crate::crm::job::{JobConditions, JobToRun};
pub use crate::crm::list_read::CustomerList;
pub use crate::crm::merge::MergeByHand;
pub use crate::crm::opportunity::OpportunityChange;
pub use crate::crm::ownership::{CustomerToClaim, OwnershipChange};
pub use crate::crm::record::MovedNumber;
pub use crate::crm::recycling::RecycleWarning;
pub use crate::crm::timeline::TimelinePage;
pub use crate::keys::{EXPIRY_ATTRIBUTES, EXPIRY_INDEX, KEY_ATTRIBUTES};
pub use crate::media::upload::Expired;
pub use crate::people::activation::{CodeSent, RadarOf};
pub use crate::people::claim_code::{ClaimCodeIssued, ClaimCodeOf};
pub use crate::people::join::{JoinContext, JoinOutcome, Joining, JoiningMember};
pub use crate::people::login::{LoginContext, MemberLogin};
pub use crate::people::member::{ClaimRequest, Claimed, MemberChange, MemberFilter, NewMember};
pub use crate::people::member_stream::{ChangedMember, ItemImages};
pub use crate::people::phone::PhoneClaim;
pub use crate::people::session::{RefreshContext, SessionError, SessionRefresh, SessionStart};
pub use crate::radar::aggregate::{Commit, CommitError, Prepared};
pub use crate::radar::breakdown::BreakdownOfDays;
pub use crate::radar::counter::Counted;
pub use crate::radar::feed::CompanyFeedPosition;
pub use crate::radar::leaderboard::{Progress, Ranking};
pub use crate::radar::live::{AppendError, CompanyCard, Numbered};
pub use crate::radar::pending_deltas::PendingDeltas;
pub use crate::table::aside::PutAside;
pub use crate::table::batch_get::RecordRead;
pub use crate::table::due::DuePage;
pub use crate::table::sweep::{Sweep, SweepLimits};

use runtime::retry::Retry;

use crate::company::remembered::CompanyMemory;

/// A page of a longer list and where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, P> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<P>,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    table: String,
    retry: Retry,
    /// Whether companies are suspended.
    suspensions: CompanyMemory<bool>,
    /// Companies with packed lists.
    packed_lists: CompanyMemory<()>,
}

impl Store {
    /// The table of this name.
    pub fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self::with_retry(client, table, Retry::system())
    }

    /// The table of this name, with the randomness and the timer of this retry.
    pub fn with_retry(client: aws_sdk_dynamodb::Client, table: String, retry: Retry) -> Self {
        Self { client, table, retry, suspensions: CompanyMemory::default(), packed_lists: CompanyMemory::default() }
    }

    /// The retry policy, for flows that read, change and write.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }
}
