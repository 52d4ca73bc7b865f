//! Leaderboards: the top lists and rankings of a company, brought up to date every few minutes
//! from its feed. A company waits in the expiry index until its leaderboards are due again.

use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::timestamp::Timestamp;
use domain::radar::breakdown::Additions;
use domain::radar::ranking::Contender;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::close_rate::shortlist::put_shortlist;
use crate::keys::DueList;
use crate::radar::breakdown::put_breakdown;
use crate::table::due::{Due, DuePage, WAITS};
use crate::table::item::{Item, number, text};
use crate::table::kinds::{LEADERBOARDS, RANKING};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// How far a company's leaderboards are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The company.
    pub company: Company,
    /// The last page of the feed that is in them.
    pub page: Option<Uuid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProgressItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// A ranking as it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// When its numbers were read.
    pub as_of: Timestamp,
    /// The employees, in no order.
    pub contenders: Vec<Contender>,
}

/// The contenders are one JSON text: as a map they would be twice as large.
#[derive(Debug, Serialize, Deserialize)]
struct RankingItem {
    as_of_ms: i64,
    contenders: String,
}

/// The item by which a new company's leaderboards are due at once.
pub(crate) fn new_leaderboards(company: Company, now: Timestamp) -> Result<Item, Failure> {
    let key = keys::leaderboards(company);
    let mut item = LEADERBOARDS.encode(&key, &ProgressItem { page: None })?;
    DueList::Boards.put(&mut item, company, &key, now);
    Ok(item)
}

impl Store {
    /// At most `limit` companies whose leaderboards are due, the longest waiting first.
    pub async fn leaderboards_due(&self, now: Timestamp, limit: u32) -> DuePage<Progress> {
        self.due(DueList::Boards, None, now, limit).await.read(progress)
    }

    /// Adds what was read up to a page of the feed, once, and brings the shortlists up to
    /// `today`. A later writer with the same progress is rejected.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has brought the leaderboards further.
    pub async fn add_to_leaderboards(
        &self,
        before: Progress,
        page: Uuid,
        additions: Additions,
        today: Day,
    ) -> Result<Progress, Failure> {
        let mut transaction = Transaction::default();
        let update = Update::builder()
            .update_expression("SET #page = :page")
            .expression_attribute_values(":page", text(page.simple().to_string()));
        let update = unchanged(update, before);
        transaction.update(&self.table, &keys::leaderboards(before.company), update, Failure::Busy);
        for (place, breakdown) in self.added(before.company, additions.breakdowns).await? {
            put_breakdown(&mut transaction, &self.table, before.company, place, &breakdown)?;
        }
        for (scope, list) in self.shortlists_after(before.company, &additions.people, today).await? {
            put_shortlist(&mut transaction, &self.table, before.company, scope, &list)?;
        }
        self.commit(before.company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(Progress { page: Some(page), ..before })
    }

    /// Makes the leaderboards due again at `due`.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has brought the leaderboards further.
    pub async fn postpone_leaderboards(&self, progress: Progress, due: Timestamp) -> Result<(), Failure> {
        let key = keys::leaderboards(progress.company);
        let update = Update::builder().update_expression(format!("SET {WAITS}"));
        let update = DueList::Boards.set(update, progress.company, &key, due);
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &key, unchanged(update, progress), Failure::Busy);
        self.commit(progress.company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Replaces the ranking of a company.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_ranking(&self, company: Company, ranking: &Ranking) -> Result<(), Failure> {
        let contenders = serde_json::to_string(&ranking.contenders).map_err(|error| RANKING.corrupt(error))?;
        let item = RankingItem { as_of_ms: ranking.as_of.millis(), contenders };
        let mut transaction = Transaction::default();
        let item = RANKING.encode(&keys::ranking(company), &item)?;
        let newer = Item::from([(":as_of".to_owned(), number(ranking.as_of.millis()))]);
        let condition = "attribute_not_exists(#pk) OR as_of_ms <= :as_of";
        transaction.put(&self.table, item, condition, newer, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The ranking of a company; none before it was made for the first time.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn ranking(&self, company: Company) -> Result<Option<Ranking>, Failure> {
        let Some(item) = self.get::<RankingItem>(company, &keys::ranking(company), RANKING).await? else {
            return Ok(None);
        };
        let contenders = serde_json::from_str(&item.contenders).map_err(|error| RANKING.corrupt(error))?;
        Ok(Some(Ranking { as_of: Timestamp::from_millis(item.as_of_ms), contenders }))
    }
}

fn progress(Due { company, item, .. }: Due) -> Result<Progress, Failure> {
    let ProgressItem { page } = LEADERBOARDS.decode(item)?;
    let page = page.map(|page| Uuid::try_parse(&page)).transpose().map_err(|error| LEADERBOARDS.corrupt(error))?;
    Ok(Progress { company, page })
}

/// The condition that the leaderboards are as they were read.
fn unchanged(update: UpdateBuilder, read: Progress) -> UpdateBuilder {
    let update = update.expression_attribute_names("#page", "page");
    match read.page {
        None => update.condition_expression("attribute_not_exists(#page)"),
        Some(page) => update
            .condition_expression("#page = :read")
            .expression_attribute_values(":read", text(page.simple().to_string())),
    }
}
