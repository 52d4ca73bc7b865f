//! The aggregator's write: log, customers and counters in one transaction.

use domain::company::Company;
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::{AggregationPlan, Segment};
use uuid::Uuid;

use crate::Store;
use crate::crm::customer::{check_customer, put_customer};
use crate::radar::counter::add_counts;
use crate::radar::feed;
use crate::radar::pending_deltas::chunks;
use crate::table::transaction::{Cancelled, Refused, Transaction};
use crate::tracking::log;
use domain::kernel::failure::{Failure, Thing};

/// What is written together; see [`domain::radar::aggregate::plan`].
#[derive(Debug)]
pub struct Commit<'a> {
    /// The segments that are counted, those of the plan, as it has judged them.
    pub segments: &'a [&'a Segment],
    /// What counting them changes.
    pub plan: &'a AggregationPlan,
    /// Id of the page of the company's feed.
    pub page: Uuid,
    /// The time of the write. What the plan leaves for later is due from now on.
    pub now: Timestamp,
}

/// The writes of a [`Commit`], ready to be sent.
#[derive(Debug)]
pub struct Prepared(Transaction);

/// Why nothing was written.
#[derive(Debug)]
pub enum CommitError {
    /// These segments, by position, are in the log already, each with the fingerprint
    /// it was logged under.
    Duplicates(Vec<(usize, String)>),
    /// A customer, or another of their identities, has changed since they were read.
    Stale,
    /// Anything else.
    Store(Failure),
}

impl Store {
    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// [`CommitError`]; the caller drops duplicates or reads again, and repeats.
    pub async fn commit_segments(&self, company: Company, commit: Commit<'_>) -> Result<(), CommitError> {
        let Prepared(transaction) = self.prepare_segments(company, &commit).map_err(CommitError::Store)?;
        let failed = match self.commit_once(company, transaction).await {
            Ok(()) => return Ok(()),
            Err(Cancelled::Store(Failure::Busy)) => return Err(CommitError::Stale),
            Err(Cancelled::Store(error)) => return Err(CommitError::Store(error)),
            Err(Cancelled::Conditions(failed)) => failed,
        };
        let duplicate = |Refused { position, item, .. }: Refused| {
            let fingerprint = item.as_ref().and_then(log::fingerprint).unwrap_or_default().to_owned();
            (position < commit.segments.len()).then_some((position, fingerprint))
        };
        let duplicates: Vec<_> = failed.into_iter().filter_map(duplicate).collect();
        Err(if duplicates.is_empty() { CommitError::Stale } else { CommitError::Duplicates(duplicates) })
    }

    /// The writes of [`Store::commit_segments`]; makes no call. The segments come first: their
    /// position is how a cancelled transaction names its duplicates.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be encoded.
    pub fn prepare_segments(&self, company: Company, commit: &Commit<'_>) -> Result<Prepared, Failure> {
        let (mut transaction, mut packer) = (Transaction::default(), log::Packer::default());
        let plan = commit.plan;
        for segment in commit.segments {
            let item = log::encode(company, segment, &mut packer)?;
            transaction.create(&self.table, item, Failure::Exists(Thing::Segment));
        }
        for (person, customer) in &plan.customers {
            put_customer(&mut transaction, &self.table, company, *person, customer)?;
        }
        for (person, version) in &plan.unchanged {
            check_customer(&mut transaction, &self.table, company, *person, *version);
        }
        for (scope, period, counts) in plan.deltas.changes() {
            add_counts(&mut transaction, &self.table, company, scope, period, &counts);
        }
        for chunk in chunks(company, &Vec::from_iter(plan.later.changes()), commit.page) {
            transaction.create(&self.table, chunk.item(commit.now)?, Failure::Busy);
        }
        let keys: Vec<_> = commit.segments.iter().map(|segment| segment.key).collect();
        transaction.create(&self.table, feed::encode(company, commit.page, &keys)?, Failure::Busy);
        Ok(Prepared(transaction))
    }
}
