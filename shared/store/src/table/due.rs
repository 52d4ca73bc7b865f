//! What becomes due: one list for each kind of thing that waits, in shards by company.
//!
//! An item waits by two attributes of the expiry index: the shard of its list, and its place,
//! which begins with the time. A sweep asks all shards at the same time; when one fails, it does
//! the work of the others. This is the only code that hands companies to schedules.

use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::Id;
use domain::kernel::timestamp::Timestamp;
use futures_util::future::join_all;

use crate::keys::{DueList, EXPIRY_ATTRIBUTES, EXPIRY_INDEX, Key};
use crate::table::error::failure;
use crate::table::item::{Item, text};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;

/// How many shards each list had, the present number last. A new number is appended, and is
/// larger: a sweep asks all shards below the last, and so finds what was put with each number.
const SHARD_COUNTS: [u32; 1] = [8];
const SHARDS: u32 = SHARD_COUNTS[SHARD_COUNTS.len() - 1];
/// Items asked for at once by a sweep.
const PAGE: u32 = 100;

/// Part of an update expression after `SET`: the item waits; see [`DueList::set`].
pub(crate) const WAITS: &str = "#due_list = :due_list, #due_place = :due_place";
/// Part of an update expression after `REMOVE`: the item waits no longer; see [`no_longer`].
pub(crate) const WAITS_NO_LONGER: &str = "#due_list, #due_place";

/// Something whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Due {
    /// The company it belongs to.
    pub(crate) company: Company,
    pub(crate) key: Key,
    /// Its place in the expiry index when it was found.
    pub(crate) place: String,
    pub(crate) item: Item,
}

/// A company whose turn has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingCompany {
    /// The company.
    pub company: Company,
    place: String,
}

/// What is due, the longest waiting first.
#[derive(Debug)]
pub struct DuePage<T> {
    /// The things of the shards that answered.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
    /// Whether all shards answered, and all things could be read.
    pub failed: Result<(), Failure>,
}

impl<T> DuePage<T> {
    /// The page of what `read` makes of the things; what it cannot read has failed.
    pub(crate) fn read<U>(self, read: impl Fn(T) -> Result<U, Failure>) -> DuePage<U> {
        let (mut items, mut failed) = (Vec::with_capacity(self.items.len()), self.failed);
        for item in self.items {
            match read(item) {
                Ok(item) => items.push(item),
                Err(failure) => failed = failed.and(Err(failure)),
            }
        }
        DuePage { items, next: self.next, failed }
    }
}

impl Due {
    fn of(item: Item) -> Result<Self, Failure> {
        let read = || Some((Key::of(&item)?, place_of(&item)?));
        let (key, place) = read().ok_or_else(|| Failure::Corrupt("due: key".to_owned()))?;
        let company = keys::company_of(&key).ok_or_else(|| Failure::Corrupt(format!("due: company of {}", key.sk)))?;
        Ok(Self { company: Company::granted(company), key, place, item })
    }
}

impl From<Due> for WaitingCompany {
    fn from(Due { company, place, .. }: Due) -> Self {
        Self { company, place }
    }
}

impl DueList {
    /// Makes a new item wait until `at`.
    pub(crate) fn put(self, item: &mut Item, company: Company, key: &Key, at: Timestamp) {
        let values = [self.shard_of(company), keys::expiry(at.millis(), key)].map(text);
        item.extend(EXPIRY_ATTRIBUTES.map(ToOwned::to_owned).into_iter().zip(values));
    }

    /// Adds the names and values of [`WAITS`] to an update: the item waits until `at`.
    pub(crate) fn set(self, update: UpdateBuilder, company: Company, key: &Key, at: Timestamp) -> UpdateBuilder {
        no_longer(update)
            .expression_attribute_values(":due_list", text(self.shard_of(company)))
            .expression_attribute_values(":due_place", text(keys::expiry(at.millis(), key)))
    }

    /// The partition in which a company's things are put now.
    fn shard_of(self, company: Company) -> String {
        keys::due_shard(self, shard(company, SHARDS))
    }

    /// The partitions in which they may be: each shard, and where all were before there were
    /// shards.
    fn partitions(self) -> impl Iterator<Item = String> {
        let shards = (0..SHARDS).map(move |shard| keys::due_shard(self, shard));
        std::iter::once(self.name().to_owned()).chain(shards)
    }
}

/// Adds the names of [`WAITS_NO_LONGER`] to an update.
pub(crate) fn no_longer(update: UpdateBuilder) -> UpdateBuilder {
    let [list, place] = EXPIRY_ATTRIBUTES;
    update.expression_attribute_names("#due_list", list).expression_attribute_names("#due_place", place)
}

/// The place of an item in the expiry index.
pub(crate) fn place_of(item: &Item) -> Option<String> {
    item.get(EXPIRY_ATTRIBUTES[1])?.as_s().ok().cloned()
}

/// The end of a company's id is random.
fn shard(company: Company, shards: u32) -> u32 {
    let [.., a, b, c, d] = company.id().uuid().into_bytes();
    u32::from_be_bytes([a, b, c, d]) % shards
}

/// What one shard answered: its first items, and whether it may have more behind them.
struct ShardPage {
    items: Vec<Item>,
    has_more: bool,
}

/// The page of what the shards answered. It ends with the last item of the first shard that
/// has more: what stands behind that is not known.
fn merge(shards: Vec<Result<ShardPage, Failure>>, limit: u32) -> DuePage<Due> {
    let (mut items, mut failed, mut is_full) = (Vec::new(), Ok(()), false);
    let mut end: Option<String> = None;
    for shard in shards {
        match shard {
            Ok(page) => {
                is_full |= page.has_more;
                let last = page.items.last().filter(|_| page.has_more).and_then(place_of);
                end = end.into_iter().chain(last).min();
                items.extend(page.items);
            }
            Err(failure) => failed = Err(failure),
        }
    }
    items.sort_by_key(place_of);
    items.retain(|item| end.is_none() || place_of(item) <= end);
    is_full |= items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| is_full).and_then(place_of);
    DuePage { items, next, failed }.read(Due::of)
}

impl Store {
    /// At most `limit` things of a list that are due by `now`, the longest waiting first;
    /// those after a place only.
    pub(crate) async fn due(&self, list: DueList, after: Option<&str>, now: Timestamp, limit: u32) -> DuePage<Due> {
        let shards = list.partitions().map(|partition| self.due_in(partition, after, now, limit));
        merge(join_all(shards).await, limit)
    }

    /// Does `work` with at most `limit` things of a list that are due by `now`, the longest
    /// waiting first, and returns how many. Goes on when one fails.
    ///
    /// # Errors
    /// The first failure, after all others were done.
    pub(crate) async fn sweep<F: Future<Output = Result<(), Failure>>>(
        &self,
        list: DueList,
        now: Timestamp,
        limit: u32,
        work: impl Fn(Due) -> F,
    ) -> Result<usize, Failure> {
        let (mut found, mut failed, mut after) = (0, Ok(()), None);
        let mut left = limit;
        while left > 0 {
            let page = self.due(list, after.as_deref(), now, left.min(PAGE)).await;
            failed = failed.and(page.failed);
            left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
            for due in page.items {
                found += 1;
                failed = failed.and(work(due).await);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        failed.map(|()| found)
    }

    /// Makes a company whose turn was found wait until `at`.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has taken the turn.
    pub(crate) async fn take_turn(
        &self,
        list: DueList,
        key: &Key,
        turn: &WaitingCompany,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let update = Update::builder()
            .update_expression(format!("SET {WAITS}"))
            .condition_expression("#due_place = :read")
            .expression_attribute_values(":read", text(&turn.place));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, key, list.set(update, turn.company, key, at), Failure::Busy);
        self.commit(turn.company, transaction).await.map_err(Cancelled::into_failure)
    }

    async fn due_in(
        &self,
        partition: String,
        after: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<ShardPage, Failure> {
        // A text just above the place leaves it out; every place begins with a digit.
        let after = after.map_or_else(|| "0".to_owned(), |place| format!("{place}~"));
        let [list, place] = EXPIRY_ATTRIBUTES;
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(EXPIRY_INDEX)
            .key_condition_expression("#list = :list AND #place BETWEEN :after AND :now")
            .expression_attribute_names("#list", list)
            .expression_attribute_names("#place", place)
            .expression_attribute_values(":list", text(partition))
            .expression_attribute_values(":after", text(after))
            .expression_attribute_values(":now", text(keys::expired_by(now.millis())))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failure)?;
        let has_more = answer.last_evaluated_key.is_some();
        Ok(ShardPage { items: answer.items.unwrap_or_default(), has_more })
    }
}
