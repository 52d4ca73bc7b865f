//! The single DynamoDB table.
//!
//! Keys, items, transactions and cursors live here and nowhere else. Attribute
//! values, expressions and SDK errors do not leave this crate; each access pattern
//! is one named method of [`Store`]. No rule of the product belongs here.

mod activation;
mod aggregate;
mod audit;
mod batch_get;
mod board;
mod breakdown;
mod card;
mod card_media;
mod card_template;
mod card_view;
mod claim_code;
mod close_rate_model;
mod company;
mod counters;
mod customer;
mod dealings;
mod department;
mod due;
mod error;
mod feed;
mod idempotency;
mod invitation;
mod item;
mod join;
mod keys;
mod kinds;
mod live;
mod log;
mod login;
mod member;
mod member_edit;
mod merge;
mod packing;
mod pending_tally;
mod person;
mod phone;
mod quota;
mod read;
mod recount;
mod settings;
mod share;
mod shortlist;
mod standing;
mod successor;
mod transaction;
mod upload;
mod voice;

pub use crate::activation::{CodeSent, RadarOf};
pub use crate::aggregate::{Commit, CommitError, Prepared};
pub use crate::board::{Progress, Ranking};
pub use crate::card::CardChange;
pub use crate::card_media::CardWithUploads;
pub use crate::card_view::{CardView, Founding};
pub use crate::claim_code::{ClaimCodeIssued, ClaimCodeOf};
pub use crate::close_rate_model::{CloseRateModel, Fitted};
pub use crate::company::NewCompany;
pub use crate::counters::Counted;
pub use crate::customer::IDENTITIES_MAX;
pub use crate::dealings::DealingsChange;
pub use crate::department::DepartmentAdded;
pub use crate::due::{DuePage, WaitingCompany};
pub use crate::feed::CompanyFeedPosition;
pub use crate::join::{Entered, Entrance, Joining, Newcomer};
pub use crate::keys::{EXPIRY_ATTRIBUTES, EXPIRY_INDEX, KEY_ATTRIBUTES};
pub use crate::live::{AppendError, CompanyCard, Numbered};
pub use crate::login::{Arrival, Standing};
pub use crate::member::{Change, Claimed, Claiming, MemberFilter, NewMember};
pub use crate::pending_tally::PendingTally;
pub use crate::phone::PhoneClaim;
pub use crate::quota::{QuotaAudit, QuotaName};
pub use crate::shortlist::{Person, StoredShortlist};
pub use crate::upload::Expired;
pub use crate::voice::VoiceToSet;

use runtime::retry::Retry;

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
}

impl Store {
    /// The table of this name.
    pub fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self::with_retry(client, table, Retry::system())
    }

    /// The table of this name, with the randomness and the timer of this retry.
    pub fn with_retry(client: aws_sdk_dynamodb::Client, table: String, retry: Retry) -> Self {
        Self { client, table, retry }
    }

    /// What tries again here, for flows that read, change and write.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }
}
