//! The aggregator on DynamoDB Local: exactly once, for every number and order of deliveries and any
//! number of concurrent calls.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use domain::kernel::day::{Day, Window};
use domain::kernel::id::{CardId, Id, PersonId};
use domain::kernel::timestamp::DAY_MS;
use domain::radar::counter::{Counter, Scope};
use domain::radar::metrics::Metrics;
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use domain::tracking::filter_reason::FilterReason;
use radar_aggregator::Aggregator;
use serde_json::json;
use store::KEY_ATTRIBUTES;
use testkit::world::World;
use uuid::Uuid;

use crate::event_files::KeptDeadLetters;

pub(crate) fn aggregator(world: &World, failed: KeptDeadLetters) -> Aggregator<KeptDeadLetters> {
    let (store, ids, clock) = (world.store.clone(), world.ids.clone(), world.clock.clock());
    Aggregator { store, failed, max_attempts: 5, conflicts_end: Duration::from_secs(15), ids, clock }
}

/// A batch of a person: a view on each of some days, a like and a forward.
pub(crate) fn batch(world: &World, person: u128, number: u64, days_ago: &[i64]) -> AcceptedBatch {
    let card = world.card(["lin", "chen", "wang"][usize::try_from(person % 3).unwrap()]);
    let now = world.clock.now();
    let event = |kind, days_ago: i64| Event {
        kind,
        card,
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at: now.plus_millis(-days_ago * DAY_MS - i64::try_from(number).unwrap()),
        duration_ms: None,
        filtered: None,
    };
    let mut events: Vec<_> = days_ago.iter().map(|days_ago| event(EventKind::ViewCard, *days_ago)).collect();
    events.extend([event(EventKind::Like, days_ago[0]), event(EventKind::Forward, days_ago[0])]);
    let millis = u64::try_from(now.millis()).unwrap() + number;
    AcceptedBatch {
        v: 1,
        company: world.company.id(),
        person: PersonId::from_uuid(Uuid::from_u128(person)),
        batch: BatchId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[1; 10]).into_uuid()),
        fingerprint: format!("{number:016x}"),
        received_at: now,
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        events,
    }
}

pub(crate) fn delivered(batches: &[&AcceptedBatch], attempts: u32) -> SqsEvent {
    let record = |(n, batch): (usize, &&AcceptedBatch)| {
        json!({
            "messageId": format!("m{n}"),
            "body": serde_json::to_string(batch).unwrap(),
            "attributes": {"ApproximateReceiveCount": attempts.to_string()},
        })
    };
    let records: Vec<_> = batches.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

async fn metrics(world: &World) -> Metrics {
    let today = Day::of(world.clock.now());
    let counts = world.store.counters(world.company, Scope::Company, today.plus(-29)).await.unwrap();
    counts.metrics(Window::Last30Days, today)
}

/// 90 people, 180 batches; the expectation is plain arithmetic.
fn day(world: &World) -> (Vec<AcceptedBatch>, Metrics) {
    let batches: Vec<_> =
        (0..180).map(|n| batch(world, u128::from(n % 90), n, &[i64::try_from(n % 4).unwrap(), 1])).collect();
    let expected = Metrics { visitors: 90, views: 360, forwards: 180, likes: 90, ..Metrics::default() };
    (batches, expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_aggregators_with_the_same_messages_count_each_once() {
    let world = World::new().await;
    let (batches, expected) = day(&world);
    let shared = Arc::new(aggregator(&world, KeptDeadLetters::default()));
    // Four at a time, each with all batches, in chunks of different sizes and orders.
    let workers = (0..4_usize).map(|worker| {
        let (aggregator, mut batches) = (Arc::clone(&shared), batches.clone());
        tokio::spawn(async move {
            batches.rotate_left(worker * 41);
            let mut pending: Vec<_> = batches.iter().collect();
            // Like the queue: failed messages are delivered again.
            while !pending.is_empty() {
                let mut again = Vec::new();
                for chunk in pending.chunks(17 + worker * 11) {
                    let failed =
                        radar_aggregator::handle(&aggregator, delivered(chunk, 1), "r").await.batch_item_failures;
                    let failed: BTreeSet<_> = failed.into_iter().map(|failure| failure.item_identifier).collect();
                    again.extend(
                        chunk
                            .iter()
                            .enumerate()
                            .filter(|(n, _)| failed.contains(&format!("m{n}")))
                            .map(|(_, batch)| *batch),
                    );
                }
                pending = again;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    assert_eq!(metrics(&world).await, expected);
    assert!(shared.failed.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn other_events_under_a_used_batch_id_are_logged_once_with_their_reason_and_change_nothing() {
    let world = World::new().await;
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    let first = batch(&world, 1, 1, &[0]);
    let other = AcceptedBatch { fingerprint: "other".to_owned(), ..batch(&world, 1, 1, &[0, 1, 2]) };
    for batches in [&[&first][..], &[&other], &[&first, &other], &[&other, &other]] {
        assert!(radar_aggregator::handle(&aggregator, delivered(batches, 1), "r").await.batch_item_failures.is_empty());
    }
    let radar = metrics(&world).await;
    assert_eq!((radar.views, radar.visitors), (1, 1));
    assert_eq!(held_back(&world, first.events[0].card).await, [(FilterReason::ReusedBatch, 5)]);
    assert!(aggregator.failed.0.lock().unwrap().is_empty(), "it fills nobody's dead-letter queue");
}

/// What was held back on a card, by reason.
async fn held_back(world: &World, card: CardId) -> Vec<(FilterReason, i64)> {
    let today = Day::of(world.clock.now());
    let counts = world.store.counters(world.company, Scope::Card(card), today).await.unwrap();
    let of = |reason: &FilterReason| (*reason, counts.in_window(Window::Total, today, Counter::Filtered(*reason)));
    FilterReason::ALL.iter().map(of).filter(|(_, events)| *events > 0).collect()
}

/// A flood of one person beside a crowd: the person is held to what a person can do, whatever the
/// order of delivery, and everybody else counts.
#[tokio::test]
async fn a_flood_is_held_back_and_a_crowd_behind_one_address_loses_nothing() {
    let world = World::new().await;
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    let card = batch(&world, 0, 0, &[0]).events[0].card;
    let alone = |kind, number, events| {
        let mut batch = batch(&world, 0, number, &vec![0; events]);
        batch.events.truncate(events);
        batch.events.iter_mut().for_each(|event| event.kind = kind);
        batch
    };
    let flood: Vec<_> = (1..401).map(|n| alone(EventKind::ViewCard, n, 1)).collect();
    let forwards: Vec<_> = (1_000..1_002).map(|n| alone(EventKind::Forward, n, 100)).collect();
    // Everybody of the crowd is on one of the three cards.
    let crowd: Vec<_> = (1..301_u128).map(|n| batch(&world, n, 2_000 + u64::try_from(n).unwrap(), &[0, 0])).collect();
    let mut all: Vec<_> = flood.iter().chain(&forwards).chain(&crowd).collect();
    all.sort_by_key(|batch| batch.batch.uuid().as_u128().wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for batches in all.chunks(50) {
        while !radar_aggregator::handle(&aggregator, delivered(batches, 1), "r").await.batch_item_failures.is_empty() {}
    }
    let radar = metrics(&world).await;
    assert_eq!((radar.visitors, radar.views, radar.forwards), (301, 600 + 20, 300 + 10));
    assert_eq!(held_back(&world, card).await, [(FilterReason::Burst, 380 + 190)]);
}

#[tokio::test]
async fn an_unreadable_customer_fails_alone_and_goes_to_the_dead_letters_at_the_last_attempt() {
    let world = World::new().await;
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    let (broken, healthy) = (batch(&world, 1, 1, &[0]), batch(&world, 2, 2, &[0]));
    radar_aggregator::handle(&aggregator, delivered(&[&broken], 1), "r").await;
    let person = PersonId::from_uuid(Uuid::from_u128(1)).to_string();
    set_layout(&world, "customer", &person, "99").await;
    let again = batch(&world, 1, 3, &[0]);
    let response = radar_aggregator::handle(&aggregator, delivered(&[&again, &healthy], 4), "r").await;
    assert_eq!(
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect::<Vec<_>>(),
        ["m0"]
    );
    assert_eq!(metrics(&world).await.visitors, 2, "the other customer is counted");
    radar_aggregator::handle(&aggregator, delivered(&[&again], 5), "r").await;
    assert_eq!(*aggregator.failed.0.lock().unwrap(), [("m0".to_owned(), "corrupt_state")]);
    set_layout(&world, "customer", &person, "2").await;
    radar_aggregator::handle(&aggregator, delivered(&[&again], 1), "r").await;
    assert_eq!(metrics(&world).await.views, 3, "brought back, it is counted");
}

/// Changes the layout version of the item of this type whose key ends in `ending`.
pub(crate) async fn set_layout(world: &World, name: &str, ending: &str, layout: &str) {
    use aws_sdk_dynamodb::types::AttributeValue;
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let is_wanted = |item: &HashMap<String, AttributeValue>| {
        let of_type = item.get("type").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == name);
        of_type && KEY_ATTRIBUTES.iter().any(|name| item[*name].as_s().unwrap().ends_with(ending))
    };
    let mut key = items.into_iter().find(is_wanted).unwrap();
    key.retain(|name, _| KEY_ATTRIBUTES.contains(&name.as_str()));
    let layout = AttributeValue::N(layout.to_owned());
    let update = world
        .dynamodb
        .update_item()
        .table_name(&world.table)
        .set_key(Some(key))
        .update_expression("SET layout = :layout");
    update.expression_attribute_values(":layout", layout).send().await.unwrap();
}
