//! Leaderboards: the top lists and rankings of a company, brought up to date every few minutes
//! from its feed. A company waits in the expiry index until its leaderboards are due again.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use domain::radar::breakdown::Additions;
use domain::radar::counter::{Period, Scope};
use domain::radar::metrics::ScopeCounts;
use domain::radar::ranking::{Contender, pack_contenders, unpack_contenders};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::DueList;
use crate::table::aside::PutAside;
use crate::table::batch_get::ReadMode;
use crate::table::due::{Due, WAITS};
use crate::table::item::{Item, LAYOUT, layout_of, number, text};
use crate::table::kinds::{LEADERBOARDS, MEMBER, RANKING};
use crate::table::read::Order;
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};
use domain::kernel::failure::Failure;

/// How far a company's leaderboards are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The company.
    pub company: Company,
    /// The last page of the feed that is in them.
    pub page: Option<Uuid>,
    /// Stands for the members whom the states of customers and the directory follow; see
    /// [`Store::follow_members`].
    pub staff: Option<u64>,
    /// The breakdowns are of layout 1, and hold everything up to this page.
    pub mixed: Option<Uuid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProgressItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staff: Option<u64>,
}

/// A ranking as it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// When its numbers were read.
    pub as_of: Timestamp,
    /// The employees, in no order.
    pub contenders: Vec<Contender>,
    /// Whether these are all.
    pub complete: bool,
}

/// All but the contenders, which are bytes; in layout 1 a JSON text.
#[derive(Debug, Serialize, Deserialize)]
struct RankingItem {
    as_of_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contenders: Option<String>,
    #[serde(default = "yes")]
    complete: bool,
}

/// Rankings of layout 1 did not tell.
fn yes() -> bool {
    true
}

/// Name of the attribute with the contenders as bytes.
const PACKED: &str = "packed";
/// Most bytes of contenders.
const CONTENDERS_BYTES_MAX: usize = 390_000;

/// The item by which a new company's leaderboards are due at once.
pub(crate) fn new_leaderboards(company: Company, now: Timestamp) -> Result<Item, Failure> {
    let key = keys::leaderboards(company);
    let mut item = LEADERBOARDS.encode(&key, &ProgressItem { page: None, staff: None })?;
    DueList::Leaderboards.put(&mut item, company, &key, now);
    Ok(item)
}

impl Store {
    /// Updates the leaderboards of the companies whose turn has come; `update` ends with
    /// [`Store::postpone_leaderboards`].
    pub async fn sweep_leaderboards<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        update: impl Fn(Progress) -> F,
    ) -> Sweep {
        self.sweep_each(DueList::Leaderboards, limits, progress, update).await
    }

    /// Adds what was read up to a page of the feed, once, and brings the shortlists up to `today`. What
    /// cannot be read is put aside. A later writer with the same progress is rejected.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has brought the leaderboards further.
    pub async fn add_to_leaderboards(
        &self,
        before: Progress,
        page: Uuid,
        additions: Additions,
        today: Day,
        aside: &mut PutAside,
    ) -> Result<Progress, Failure> {
        let company = before.company;
        self.add_to_breakdowns(company, additions.breakdowns, aside).await?;
        let persons = additions.people.values().flatten().copied().collect();
        self.refresh_list(company, &persons, today, aside).await?;
        // Breakdowns know their pages, and lists are made of the customers: whoever stops before the
        // progress is written does it again, and changes nothing.
        let mut transaction =
            self.put_shortlists(company, (&additions.people, &additions.visits), today, aside).await?;
        let update = Update::builder()
            .update_expression("SET #page = :page")
            .expression_attribute_values(":page", text(page.simple().to_string()));
        let update = unchanged(update, before);
        transaction.update(&self.table, &keys::leaderboards(company), update, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(Progress { page: Some(page), ..before })
    }

    /// Notes that no breakdown is of layout 1 any more.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has brought the leaderboards further.
    pub async fn end_split(&self, before: Progress) -> Result<Progress, Failure> {
        let update = Update::builder()
            .update_expression("SET #layout = :layout")
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":layout", number(LEADERBOARDS.layout));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::leaderboards(before.company), unchanged(update, before), Failure::Busy);
        self.commit(before.company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(Progress { mixed: None, ..before })
    }

    /// Makes the leaderboards due again at `due`.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has brought the leaderboards further.
    pub async fn postpone_leaderboards(&self, progress: Progress, due: Timestamp) -> Result<(), Failure> {
        let key = keys::leaderboards(progress.company);
        let update = Update::builder().update_expression(match progress.staff {
            Some(_) => format!("SET #staff = :staff, {WAITS}"),
            None => format!("SET {WAITS}"),
        });
        let update = progress.staff.iter().fold(update, |update, staff| {
            update.expression_attribute_names("#staff", "staff").expression_attribute_values(":staff", number(staff))
        });
        let update = DueList::Leaderboards.set(update, progress.company, &key, due);
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &key, unchanged(update, progress), Failure::Busy);
        self.commit(progress.company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The members of a company after one, the first added first, those who are gone too. Those that cannot be read are
    /// put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn members_after(
        &self,
        company: Company,
        after: Option<MemberId>,
        limit: u32,
        aside: &mut PutAside,
    ) -> Result<Page<Member, MemberId>, Failure> {
        let start = after.map(|member| keys::member(company, member));
        let page = self.query(&keys::members(company), start, limit, Order::OldestFirst).await?;
        let mut members = Vec::with_capacity(page.items.len());
        for item in page.items {
            members.extend(aside.read(item, |item| MEMBER.decode::<Member>(item))?);
        }
        Ok(Page { items: members, next: page.next.and_then(|key| key.sk.parse().ok()) })
    }

    /// The counters of a card since a day, unless they are put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn counters_of_contender(
        &self,
        company: Company,
        card: CardId,
        from: Day,
        aside: &mut PutAside,
    ) -> Result<Option<ScopeCounts>, Failure> {
        let scope = Scope::Card(card);
        let key = keys::counter(company, scope, Period::Lifetime);
        aside.pass(Some(key), self.counters(company, scope, from).await)
    }

    /// Replaces the ranking of a company, with as many contenders as fit.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_ranking(&self, company: Company, ranking: &Ranking) -> Result<(), Failure> {
        let (bytes, packed) = pack_contenders(&ranking.contenders, CONTENDERS_BYTES_MAX);
        let complete = ranking.complete && packed == ranking.contenders.len();
        let item = RankingItem { as_of_ms: ranking.as_of.millis(), contenders: None, complete };
        let mut item = RANKING.encode(&keys::ranking(company), &item)?;
        item.insert(PACKED.to_owned(), AttributeValue::B(Blob::new(bytes)));
        let newer = Item::from([(":as_of".to_owned(), number(ranking.as_of.millis()))]);
        let condition = "attribute_not_exists(#pk) OR as_of_ms <= :as_of";
        let mut transaction = Transaction::default();
        transaction.put(&self.table, item, condition, newer, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The ranking of a company; none before it was made for the first time.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn ranking(&self, company: Company) -> Result<Option<Ranking>, Failure> {
        let found = self.batch_get(company, &[keys::ranking(company)], ReadMode::Eventual).await?;
        found.into_iter().next().map(ranking).transpose()
    }
}

fn ranking(mut item: Item) -> Result<Ranking, Failure> {
    let packed = item.remove(PACKED);
    let RankingItem { as_of_ms, contenders, complete } = RANKING.decode(item)?;
    let contenders = match (packed, contenders) {
        (Some(AttributeValue::B(bytes)), _) => unpack_contenders(bytes.as_ref()),
        (_, Some(json)) => serde_json::from_str(&json).ok(),
        (_, None) => None,
    };
    let contenders = contenders.ok_or_else(|| RANKING.corrupt("contenders"))?;
    Ok(Ranking { as_of: Timestamp::from_millis(as_of_ms), contenders, complete })
}

fn progress(Due { company, item, .. }: Due) -> Result<Progress, Failure> {
    let is_mixed = layout_of(&item) == Some(1);
    let ProgressItem { page, staff } = LEADERBOARDS.decode(item)?;
    let page = page.map(|page| Uuid::try_parse(&page)).transpose().map_err(|error| LEADERBOARDS.corrupt(error))?;
    Ok(Progress { company, page, staff, mixed: page.filter(|_| is_mixed) })
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
