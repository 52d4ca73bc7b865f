//! What becomes due: one list for each kind of thing that waits, in shards by company.
//!
//! An item waits by two attributes of the expiry index: the shard of its list, and its place,
//! which begins with the time. Schedules do what is due by [`crate::table::sweep`]. This is the only
//! code that hands companies to them.

use std::collections::VecDeque;

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::Id;
use domain::kernel::timestamp::Timestamp;
use futures_util::future::join_all;

use crate::keys::{DueList, EXPIRY_ATTRIBUTES, EXPIRY_INDEX, Key};
use crate::table::error::failure;
use crate::table::item::{DUE_FAILURES, Item, text};
use crate::{Store, keys};

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;

/// How many shards each list had, the present number last. A new number is appended, and is
/// larger: a sweep asks all shards below the last, and so finds what was put with each number.
const SHARD_COUNTS: [u32; 1] = [8];
const SHARDS: u32 = SHARD_COUNTS[SHARD_COUNTS.len() - 1];

/// Last part of an update expression's `SET`: the item waits, and has not failed yet; see
/// [`DueList::set`].
pub(crate) const WAITS: &str = "#due_list = :due_list, #due_place = :due_place REMOVE #due_failures";
/// Part of an update expression after `REMOVE`: the item waits no longer; see [`no_longer`].
pub(crate) const WAITS_NO_LONGER: &str = "#due_list, #due_place, #due_failures";

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

impl Due {
    pub(crate) fn of(item: Item) -> Result<Self, Failure> {
        let read = || Some((Key::of(&item)?, place_of(&item)?));
        let (key, place) = read().ok_or_else(|| Failure::Corrupt("due: key".to_owned()))?;
        let company = keys::company_of(&key).ok_or_else(|| Failure::Corrupt(format!("due: company of {}", key.sk)))?;
        Ok(Self { company: Company::granted(company), key, place, item })
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
    update
        .expression_attribute_names("#due_list", list)
        .expression_attribute_names("#due_place", place)
        .expression_attribute_names("#due_failures", DUE_FAILURES)
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

/// What one shard answered: its next items, and whether it may have more behind them.
struct ShardPage {
    items: Vec<Item>,
    has_more: bool,
}

/// A shard, as far as it has been read.
struct Shard {
    partition: String,
    /// The place of the last item that was read.
    after: Option<String>,
    /// What was read and not taken yet.
    items: VecDeque<Item>,
    has_more: bool,
}

/// The shards of a list, each read on its own: none is read twice, and none further than needed.
pub(crate) struct DueShards {
    shards: Vec<Shard>,
    /// Whether all shards answered. One that fails hides no other.
    pub(crate) failed: Result<(), Failure>,
}

impl DueShards {
    /// The shards from their beginning, or after a place.
    pub(crate) fn of(list: DueList, after: Option<&str>) -> Self {
        let shard = |partition| Shard {
            partition,
            after: after.map(ToOwned::to_owned),
            items: VecDeque::new(),
            has_more: true,
        };
        Self { shards: list.partitions().map(shard).collect(), failed: Ok(()) }
    }

    /// The shards to read before the next item can be taken: which, its partition, and the place to
    /// read after.
    fn to_read(&self) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
        let unread = self.shards.iter().enumerate().filter(|(_, shard)| shard.items.is_empty() && shard.has_more);
        unread.map(|(number, shard)| (number, shard.partition.as_str(), shard.after.as_deref()))
    }

    fn add(&mut self, number: usize, answer: Result<ShardPage, Failure>) {
        let Some(shard) = self.shards.get_mut(number) else { return };
        match answer {
            Ok(ShardPage { items, has_more }) => {
                shard.after = items.last().and_then(place_of);
                shard.has_more = has_more && shard.after.is_some();
                shard.items = items.into();
            }
            Err(failure) => {
                shard.has_more = false;
                self.failed = Err(failure);
            }
        }
    }

    /// The longest waiting item of those that were read.
    fn pop(&mut self) -> Option<Item> {
        let first = |shard: &Shard| shard.items.front().and_then(place_of);
        let filled = self.shards.iter_mut().filter(|shard| !shard.items.is_empty());
        filled.min_by_key(|shard| first(shard))?.items.pop_front()
    }

    fn may_have_more(&self) -> bool {
        self.shards.iter().any(|shard| shard.has_more || !shard.items.is_empty())
    }
}

impl Store {
    /// At most `limit` things of a list that are due by `now`, the longest waiting first;
    /// those after a place only.
    pub(crate) async fn due(&self, list: DueList, after: Option<&str>, now: Timestamp, limit: u32) -> DuePage<Due> {
        let mut shards = DueShards::of(list, after);
        let found = self.next_due(&mut shards, now, limit, limit).await;
        let next = found.last().filter(|_| shards.may_have_more()).and_then(place_of);
        let (mut items, mut failed) = (Vec::with_capacity(found.len()), shards.failed);
        for item in found {
            match Due::of(item) {
                Ok(due) => items.push(due),
                Err(failure) => failed = failed.and(Err(failure)),
            }
        }
        DuePage { items, next, failed }
    }

    /// The next items, at most `limit`, the longest waiting first. Reads at most `page` items of a
    /// shard at once, and all shards that have to be read at the same time.
    pub(crate) async fn next_due(&self, shards: &mut DueShards, now: Timestamp, limit: u32, page: u32) -> Vec<Item> {
        let mut items = Vec::new();
        while items.len() < limit as usize {
            let read = shards.to_read().map(|(number, partition, after)| async move {
                (number, self.due_in(partition, after, now, page).await)
            });
            for (number, answer) in join_all(read).await {
                shards.add(number, answer);
            }
            let Some(item) = shards.pop() else { break };
            items.push(item);
        }
        items
    }

    async fn due_in(
        &self,
        partition: &str,
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
