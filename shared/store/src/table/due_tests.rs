//! Tests of the lists of what becomes due.

use std::collections::{BTreeMap, BTreeSet};

use domain::kernel::id::CompanyId;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const LISTS: [DueList; 7] = [
    DueList::Holds,
    DueList::PendingDeltas,
    DueList::Uploads,
    DueList::ShortlistRefreshes,
    DueList::Leaderboards,
    DueList::Recounts,
    DueList::Retrainings,
];

/// Some moment; earlier than 2020 a time cannot be.
const EPOCH: i64 = 1_700_000_000_000;

fn company(n: u128) -> Company {
    Company::granted(CompanyId::from_uuid(Uuid::from_u128(n)))
}

/// The partition in which a list with `shards` shards has put a company's things; without
/// shards there was one.
fn partition(list: DueList, company: Company, shards: Option<u32>) -> String {
    shards.map_or_else(|| list.name().to_owned(), |shards| keys::due_shard(list, shard(company, shards)))
}

/// The index: partition and place of each item.
type Index = BTreeMap<(String, String), Item>;

/// What the index answers to the query of a shard. Like DynamoDB, it may answer with fewer items than
/// asked for, here at most `cut`.
fn query(index: &Index, partition: &str, after: Option<&str>, now: i64, cut: usize) -> ShardPage {
    let after = after.map_or_else(|| "0".to_owned(), |place| format!("{place}~"));
    let until = keys::expired_by(now);
    assert!(after <= until, "no query asks backwards: {after} {until}");
    let range = (partition.to_owned(), after)..=(partition.to_owned(), until);
    let mut items: Vec<_> = index.range(range).map(|(_, item)| item.clone()).collect();
    let has_more = items.len() > cut;
    items.truncate(cut);
    ShardPage { items, has_more }
}

/// Reads the shards that have to be read; returns how many items that brought.
fn read(shards: &mut DueShards, index: &Index, now: i64, cut: usize) -> usize {
    let answers: Vec<_> =
        shards.to_read().map(|(number, partition, after)| (number, query(index, partition, after, now, cut))).collect();
    let mut count = 0;
    for (number, page) in answers {
        count += page.items.len();
        shards.add(number, Ok(page));
    }
    count
}

fn company_in(item: Item) -> Company {
    Due::of(item).unwrap().company
}

fn item(list: DueList, company: Company, at: i64, shards: Option<u32>) -> ((String, String), Item) {
    let key = keys::recount(company);
    let mut item = key.attributes();
    list.put(&mut item, company, &key, Timestamp::from_millis(at));
    let partition = partition(list, company, shards);
    item.insert(EXPIRY_ATTRIBUTES[0].to_owned(), text(partition.clone()));
    ((partition, keys::expiry(at, &key)), item)
}

#[test]
fn the_number_of_shards_only_grows() {
    assert!(SHARD_COUNTS.is_sorted_by(|before, after| before < after), "{SHARD_COUNTS:?}");
    assert!(SHARD_COUNTS.starts_with(&[8]), "what was put with an earlier number must still be found");
}

#[test]
fn no_two_lists_share_a_partition() {
    let partitions: Vec<_> = LISTS.into_iter().flat_map(DueList::partitions).collect();
    assert_eq!(partitions.len(), LISTS.len() * (SHARDS as usize + 1));
    assert_eq!(partitions.iter().collect::<BTreeSet<_>>().len(), partitions.len());
}

#[test]
fn companies_are_spread_over_all_shards() {
    let used: BTreeSet<_> = (0..100).map(|n| shard(company(n), SHARDS)).collect();
    assert_eq!(used, (0..SHARDS).collect());
}

#[test]
fn a_shard_that_fails_hides_no_other() {
    let (_, found) = item(DueList::Leaderboards, company(7), EPOCH, Some(SHARDS));
    let mut shards = DueShards::of(DueList::Leaderboards, None);
    shards.add(0, Err(Failure::Throttled));
    shards.add(1, Ok(ShardPage { items: vec![found], has_more: false }));
    assert_eq!(shards.pop().map(company_in), Some(company(7)));
    assert_eq!(shards.failed, Err(Failure::Throttled));
    assert!(shards.to_read().all(|(number, ..)| number > 1), "neither is asked again");
}

#[test]
fn an_item_without_a_company_is_none_of_a_company() {
    let (_, mut item) = item(DueList::Leaderboards, company(7), EPOCH, Some(SHARDS));
    item.insert(keys::PK.to_owned(), text("nobody"));
    assert!(matches!(Due::of(item), Err(Failure::Corrupt(_))));
}

proptest! {
    #[test]
    fn what_is_put_is_found_once_at_its_time_whatever_the_number_of_shards_was(
        put in proptest::collection::btree_map(any::<u128>(), (EPOCH..EPOCH + 2_000, proptest::option::of(1..=SHARDS)), 0..60),
        now in EPOCH..EPOCH + 2_000,
        stop in 0usize..60,
        cut in 1usize..20,
    ) {
        let list = DueList::Recounts;
        let index: Index = put.iter().map(|(n, (at, shards))| item(list, company(*n), *at, *shards)).collect();
        let (mut shards, mut count) = (DueShards::of(list, None), 0);
        let (mut found, mut places) = (Vec::new(), Vec::new());
        loop {
            count += read(&mut shards, &index, now, cut);
            let Some(item) = shards.pop() else { break };
            places.extend(place_of(&item));
            found.push(company_in(item));
            if found.len() == stop {
                // Another caller continues, who knows the last place only.
                let left: usize = shards.shards.iter().map(|shard| shard.items.len()).sum();
                count -= left;
                shards = DueShards::of(list, places.last().map(String::as_str));
            }
        }
        prop_assert_eq!(&shards.failed, &Ok(()));
        prop_assert!(!shards.may_have_more());
        prop_assert!(places.is_sorted(), "the longest waiting first");
        prop_assert_eq!(count, found.len(), "no item is read twice");
        let due = put.iter().filter(|(_, (at, _))| *at <= now).map(|(n, _)| company(*n));
        prop_assert_eq!(found.len(), found.iter().copied().collect::<BTreeSet<_>>().len(), "each once");
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), due.collect::<BTreeSet<_>>());
    }
}
