//! Due lists on DynamoDB Local: what fails is counted and postponed, and hides nothing behind it,
//! however much of it there is.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, Id};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::media::upload::LINGER_MS;
use domain::radar::counter::Scope;
use store::{EXPIRY_ATTRIBUTES, KEY_ATTRIBUTES, Sweep, SweepLimits};
use testkit::events::{load, respond};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::set_layout;
use crate::functions::{housekeeping, limits, no_stop, organization};
use crate::login::another_company;
use crate::shortlists::{mark, visit};

type RawItem = HashMap<String, AttributeValue>;

/// More than a sweep reads of a shard at once.
const POISON: usize = 130;
/// Most items written together.
const WRITTEN: usize = 25;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

fn text(item: &RawItem, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

async fn items(world: &World, kind: &str) -> Vec<RawItem> {
    let mut pages = world.dynamodb.scan().table_name(&world.table).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        items.push(item.unwrap());
    }
    items.retain(|item| item.get("type").is_some_and(|name| name.as_s().unwrap() == kind));
    items
}

async fn put(world: &World, items: Vec<RawItem>) {
    for items in items.chunks(WRITTEN) {
        let puts = items.iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let write = world.dynamodb.batch_write_item().request_items(&world.table, puts.collect());
        assert!(write.send().await.unwrap().unprocessed_items.unwrap_or_default().is_empty());
    }
}

fn poisoned(n: usize) -> CompanyId {
    CompanyId::from_uuid(Uuid::from_u128(n as u128))
}

fn is_poisoned(company: Company) -> bool {
    (1..=POISON).any(|n| poisoned(n) == company.id())
}

/// Puts copies of a waiting item of a kind, for other companies, in a layout that nobody knows. They
/// wait in the same shard, before all others.
async fn poison(world: &World, kind: &str) {
    let good = items(world, kind).await.into_iter().find(|item| item.contains_key(EXPIRY_ATTRIBUTES[0])).unwrap();
    let own = world.company.id().to_string();
    let copy = |n: usize| {
        let mut item = good.clone();
        item.insert("layout".to_owned(), AttributeValue::N("99".to_owned()));
        for name in KEY_ATTRIBUTES {
            let value = text(&item, name).replace(&own, &poisoned(n).to_string());
            item.insert(name.to_owned(), AttributeValue::S(value));
        }
        let [pk, sk] = KEY_ATTRIBUTES.map(|name| text(&item, name));
        item.insert(EXPIRY_ATTRIBUTES[1].to_owned(), AttributeValue::S(format!("{n:013}#{pk}#{sk}")));
        item
    };
    put(world, (1..=POISON).map(copy).collect()).await;
}

/// Checks how often every poison item of a kind has failed, and when it is due again.
async fn is_postponed(world: &World, kind: &str, failures: u32, until_ms: i64) {
    let mut poison = items(world, kind).await;
    poison.retain(|item| item["layout"].as_n().unwrap() == "99");
    assert_eq!(poison.len(), POISON, "{kind}: nothing is lost");
    for item in poison {
        assert_eq!(item["due_failures"].as_n().unwrap(), &failures.to_string(), "{kind}");
        let place = text(&item, EXPIRY_ATTRIBUTES[1]);
        assert!(place.starts_with(&format!("{until_ms:013}#")), "{kind}: {place} is not {until_ms}");
    }
}

/// Checks that one sweep does the good items behind the poison, and that the poison waits longer
/// with each failure, `least_ms` at least.
async fn passes(world: &World, kind: &str, good: usize, least_ms: i64, sweep: impl AsyncFn(&SweepLimits) -> Sweep) {
    poison(world, kind).await;
    let limits = limits(world, 100);
    let first = sweep(&limits).await;
    assert_eq!((first.done, first.failed), (good, POISON), "{kind}");
    assert!(matches!(first.failure, Some(Failure::Corrupt(_))), "{kind}: {:?}", first.failure);
    is_postponed(world, kind, 1, world.clock.now().plus_millis(least_ms).millis()).await;
    world.clock.advance(least_ms);
    for (failures, minutes) in [(2, 10), (3, 20), (4, 40), (5, 80)] {
        assert_eq!(sweep(&limits).await.failed, POISON, "{kind}");
        let pause_ms = least_ms.max(minutes * MINUTE_MS);
        is_postponed(world, kind, failures, world.clock.now().plus_millis(pause_ms).millis()).await;
        world.clock.advance(pause_ms - 1);
        assert_eq!(sweep(&limits).await.failed, 0, "{kind}: too early");
        world.clock.advance(1);
    }
}

fn corrupt() -> Failure {
    Failure::Corrupt("poison".to_owned())
}

#[tokio::test]
async fn poison_holds_keep_no_seats_of_others() {
    let world = World::new().await;
    let router = organization(&world, "sms").await;
    assert_eq!(respond(&router, &load("organization", "create_invitation", &world)).await.status(), 201);
    world.clock.advance(8 * DAY_MS);
    passes(&world, "hold", 1, 0, async |limits| world.store.sweep_expired_holds(limits).await).await;
}

#[tokio::test]
async fn poison_deltas_keep_no_deltas_of_others_from_being_counted() {
    let world = World::new().await;
    let string = |value: &str| AttributeValue::S(value.to_owned());
    let number = |value: &str| AttributeValue::N(value.to_owned());
    let pk = [&world.company.id().to_string(), "PENDING"].join("#");
    let sk = [&Uuid::from_u128(1).simple().to_string(), "000"].join("#");
    let place = format!("{:013}#{pk}#{sk}", world.clock.now().millis());
    let [key, list] = [KEY_ATTRIBUTES, EXPIRY_ATTRIBUTES];
    let one_view = r#"[{"n":[["v",1]]}]"#;
    let good = [
        (key[0], string(&pk)),
        (key[1], string(&sk)),
        (list[0], string("EXPIRY_TALLIES")),
        (list[1], string(&place)),
        ("type", string("pending_tally")),
        ("layout", number("3")),
        ("chunk", number("0")),
        ("changes", string(one_view)),
    ];
    put(&world, vec![good.map(|(name, value)| (name.to_owned(), value)).into()]).await;
    passes(&world, "pending_tally", 1, 0, async |limits| world.store.sweep_pending_deltas(limits).await).await;
    assert_eq!(items(&world, "counters").await.len(), 1);
}

#[tokio::test]
async fn poison_marks_keep_no_marks_of_others() {
    let world = World::new().await;
    mark(&world, world.visitor, world.card("lin")).await;
    passes(&world, "standing", 1, 0, async |limits| world.store.sweep_shortlist_refreshes(limits).await).await;
}

#[tokio::test]
async fn uploads_whose_files_are_not_deleted_keep_no_files_of_others() {
    let world = World::new().await;
    world.clock.advance(DAY_MS + LINGER_MS);
    let delete = async |limits: &SweepLimits| {
        let delete = async |upload: store::Expired| if is_poisoned(upload.company) { Err(corrupt()) } else { Ok(()) };
        world.store.sweep_uploads(limits, delete).await
    };
    passes(&world, "upload", world.uploads.len(), 0, delete).await;
    for upload in world.uploads.values() {
        assert_eq!(world.store.upload(world.company, *upload).await.unwrap_err(), Failure::NotFound);
    }
}

#[tokio::test]
async fn poison_leaderboards_keep_no_leaderboards_of_others() {
    let world = World::new().await;
    let sweep = async |limits: &SweepLimits| {
        let due = world.clock.now().plus_millis(30 * DAY_MS);
        let update = async |progress| world.store.postpone_leaderboards(progress, due).await;
        world.store.sweep_leaderboards(limits, update).await
    };
    passes(&world, "boards", 1, 0, sweep).await;
}

#[tokio::test]
async fn companies_that_cannot_be_recounted_keep_no_recounts_of_others() {
    let world = World::new().await;
    let recount = async |company| if is_poisoned(company) { Err(corrupt()) } else { Ok(()) };
    let sweep = async |limits: &SweepLimits| world.store.sweep_recounts(limits, HOUR_MS, recount).await;
    passes(&world, "recount", 1, HOUR_MS, sweep).await;
}

#[tokio::test]
async fn companies_that_cannot_be_retrained_keep_no_retrainings_of_others() {
    let world = World::new().await;
    world.clock.advance(8 * DAY_MS);
    let retrain = async |company| if is_poisoned(company) { Err(corrupt()) } else { Ok(()) };
    let sweep = async |limits: &SweepLimits| world.store.sweep_retrainings(limits, HOUR_MS, retrain).await;
    passes(&world, "close_rate_model", 1, HOUR_MS, sweep).await;
}

#[tokio::test]
async fn a_run_with_poison_in_a_list_counts_it_does_all_the_rest_and_fails() {
    let world = World::new().await;
    poison(&world, "boards").await;
    world.clock.advance(DAY_MS + LINGER_MS);
    let housekeeping = housekeeping(&world, 60).await;
    let (line, failure) = housekeeping.sweep(no_stop(), "r").await;
    assert_eq!((line.leaderboards, line.expired_uploads, line.failed_items), (1, world.uploads.len(), POISON));
    assert!(matches!(failure, Some(Failure::Corrupt(_))));
    assert!(matches!(housekeeping.run(no_stop(), "r").await, Err(Failure::Corrupt(_))), "the second try");
    assert_eq!(housekeeping.run(no_stop(), "r").await.unwrap().failed_items, 0, "all of it is postponed");
}

#[tokio::test]
async fn a_run_begins_nothing_after_its_end() {
    let world = World::new().await;
    world.clock.advance(DAY_MS + LINGER_MS);
    let housekeeping = housekeeping(&world, 60).await;
    let line = housekeeping.run(world.clock.now().plus_millis(-1), "r").await.unwrap();
    assert_eq!((line.leaderboards, line.expired_uploads), (0, 0));
    let line = housekeeping.run(world.clock.now(), "r").await.unwrap();
    assert_eq!((line.leaderboards, line.expired_uploads), (1, world.uploads.len()));
}

#[tokio::test]
async fn an_unreadable_shortlist_of_one_company_keeps_no_marks_of_others() {
    let world = World::new().await;
    visit(&world, 1, 0..1).await;
    world.clock.advance(DAY_MS);
    housekeeping(&world, 60).await.run(no_stop(), "r").await.unwrap();
    set_layout(&world, "shortlist", "", "99").await;
    for _ in 0..POISON {
        mark(&world, world.fresh_person(), world.card("lin")).await;
    }
    let (other, _) = another_company(&world).await;
    let mut good = items(&world, "standing").await.swap_remove(0);
    let own = world.company.id().to_string();
    for name in KEY_ATTRIBUTES {
        let value = text(&good, name).replace(&own, &other.id().to_string());
        good.insert(name.to_owned(), AttributeValue::S(value));
    }
    let [pk, sk] = KEY_ATTRIBUTES.map(|name| text(&good, name));
    let place = format!("{:013}#{pk}#{sk}", world.clock.now().millis());
    good.insert(EXPIRY_ATTRIBUTES[1].to_owned(), AttributeValue::S(place));
    put(&world, vec![good]).await;
    let limits = limits(&world, 100);
    let swept = world.store.sweep_shortlist_refreshes(&limits).await;
    assert_eq!((swept.done, swept.failed), (1, POISON));
    set_layout(&world, "shortlist", "", "2").await;
    let again = world.store.sweep_shortlist_refreshes(&limits).await;
    assert_eq!((again.done, again.failed), (100, 0), "the next sweep tries them again");
    assert!(world.store.shortlist(world.company, Scope::Company).await.is_ok());
}

#[tokio::test]
async fn one_unreadable_customer_keeps_no_other_marks_of_the_company() {
    let world = World::new().await;
    visit(&world, 1, 0..3).await;
    let customers = items(&world, "customer").await;
    for person in 0..3 {
        mark(&world, crate::aggregator::batch(&world, person, 0, &[0]).person, world.card("lin")).await;
    }
    let bad = text(&customers[0], KEY_ATTRIBUTES[0]);
    set_layout(&world, "customer", &bad, "99").await;
    let swept = world.store.sweep_shortlist_refreshes(&limits(&world, 100)).await;
    assert_eq!((swept.done, swept.failed), (2, 1));
}
