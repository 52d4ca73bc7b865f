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

fn whole(items: Vec<Item>) -> ShardPage {
    ShardPage { items, has_more: false }
}

/// What the index answers to each query of a sweep. Like DynamoDB, a shard may answer with fewer items than asked for, here at most `cut`.
fn query(index: &Index, list: DueList, after: Option<&str>, now: i64, cut: usize) -> Vec<Result<ShardPage, Failure>> {
    let after = after.map_or_else(|| "0".to_owned(), |place| format!("{place}~"));
    let until = keys::expired_by(now);
    let found = |partition: String| {
        assert!(after <= until, "no query asks backwards: {after} {until}");
        let range = (partition.clone(), after.clone())..=(partition, until.clone());
        let mut items: Vec<_> = index.range(range).map(|(_, item)| item.clone()).collect();
        let has_more = items.len() > cut;
        items.truncate(cut);
        Ok(ShardPage { items, has_more })
    };
    list.partitions().map(found).collect()
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
    let page = merge(vec![Ok(whole(vec![found])), Err(Failure::Throttled), Ok(whole(vec![]))], 10);
    assert_eq!(page.items.iter().map(|due| due.company).collect::<Vec<_>>(), [company(7)]);
    assert_eq!((page.failed, page.next), (Err(Failure::Throttled), None));
}

#[test]
fn an_item_that_cannot_be_read_hides_no_other() {
    let (_, good) = item(DueList::Leaderboards, company(7), EPOCH, Some(SHARDS));
    let mut bad = good.clone();
    bad.insert(keys::PK.to_owned(), text("nobody"));
    let page = merge(vec![Ok(whole(vec![bad, good]))], 10);
    assert_eq!(page.items.len(), 1);
    assert!(matches!(page.failed, Err(Failure::Corrupt(_))));
}

proptest! {
    #[test]
    fn what_is_put_is_found_once_at_its_time_whatever_the_number_of_shards_was(
        put in proptest::collection::btree_map(any::<u128>(), (EPOCH..EPOCH + 2_000, proptest::option::of(1..=SHARDS)), 0..60),
        now in EPOCH..EPOCH + 2_000,
        limit in 1u32..20,
        cut in 1usize..20,
    ) {
        let list = DueList::Recounts;
        let index: Index = put.iter().map(|(n, (at, shards))| item(list, company(*n), *at, *shards)).collect();
        let (mut found, mut after, mut places) = (Vec::new(), None, Vec::new());
        loop {
            let page = merge(query(&index, list, after.as_deref(), now, cut.min(limit as usize)), limit);
            prop_assert_eq!(&page.failed, &Ok(()));
            prop_assert!(page.items.len() <= limit as usize);
            places.extend(page.items.iter().map(|due| due.place.clone()));
            found.extend(page.items.into_iter().map(|due| due.company));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert!(places.is_sorted(), "the longest waiting first");
        let due = put.iter().filter(|(_, (at, _))| *at <= now).map(|(n, _)| company(*n));
        prop_assert_eq!(found.len(), found.iter().copied().collect::<BTreeSet<_>>().len(), "each once");
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), due.collect::<BTreeSet<_>>());
    }
}
