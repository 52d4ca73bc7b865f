//! The radar of departments: events count for the departments of the card at that time, and deltas
//! that do not fit into the aggregator's transaction are counted soon after.

use std::collections::BTreeMap;

use domain::company::department::DepartmentPath;
use domain::crm::merge::MergeReason;
use domain::kernel::day::{Day, Window};
use domain::kernel::id::{DepartmentId, Id};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::radar::counter::Scope;
use domain::radar::metrics::Metrics;
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::{Event, EventKind};
use serde_json::{Value, json};
use testkit::events::{call, load};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::departments::{add, put, tree};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, limits};
use crate::pipeline::receive;

const UNKNOWN: &str = "dep_00000000000000000000000000";

async fn ask(world: &World, functions: &Functions, question: &str, department: DepartmentId) -> Value {
    let file = load("radar", &format!("get_department_{question}.unknown"), world);
    let (status, answer) = call(functions.router("radar"), &file.replace(UNKNOWN, &department.to_string())).await;
    assert_eq!(status, 200, "{question}: {answer}");
    answer
}

/// Lets the visitor view 林's card, and counts the messages in the queue.
async fn visit(world: &World, functions: &Functions) {
    let (status, answer) = call(functions.router("tracking"), &load("tracking", "record_events", world)).await;
    assert_eq!(status, 202, "{answer}");
    let event = receive(functions, &functions.queue.1).await;
    radar_aggregator::handle(&aggregator(world, KeptDeadLetters::default()), event, "r").await;
}

#[tokio::test]
async fn events_count_for_the_departments_of_the_card_at_that_time() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let east = add(&world, "华东", None).await.unwrap();
    let sales = add(&world, "销售", Some(east)).await.unwrap();
    let north = add(&world, "华北", None).await.unwrap();
    put(&world, world.staff["lin"].member, Some(sales)).await.unwrap();
    visit(&world, &functions).await;
    put(&world, world.staff["lin"].member, Some(north)).await.unwrap();
    visit(&world, &functions).await;
    let views = async |department| ask(&world, &functions, "today", department).await["views"].clone();
    assert_eq!(
        (views(sales).await, views(north).await),
        (json!(4), json!(0)),
        "where a card is, is known for a minute"
    );
    world.clock.advance(60 * SECOND_MS);
    visit(&world, &functions).await;
    assert_eq!((views(east).await, views(sales).await, views(north).await), (json!(4), json!(4), json!(2)));

    let changed = tree(&world).await.remove(sales).unwrap();
    world.store.change_departments(world.company, &changed, &world.entry()).await.unwrap();
    let dashboard = ask(&world, &functions, "metrics", sales).await;
    assert_eq!(dashboard["windows"]["total"]["visitors"], json!(1), "the numbers of a removed department stay");
    let days = ask(&world, &functions, "days", east).await;
    assert_eq!(days["days"][29]["views"], json!(4));
    let behaviour = ask(&world, &functions, "behaviour", east).await;
    let viewed: i64 =
        behaviour["interests"].as_array().unwrap().iter().map(|part| part["count"].as_i64().unwrap()).sum();
    assert_eq!(viewed, 4);
    assert_eq!(ask(&world, &functions, "filtered", east).await["windows"]["total"]["own"], json!(0));
}

fn path(from: u128) -> Vec<DepartmentId> {
    (from..from + 5).map(|n| DepartmentId::from_uuid(Uuid::from_u128(n))).collect()
}

fn at(world: &World, number: u64, path: &[DepartmentId], events: &[(EventKind, i64)]) -> AcceptedBatch {
    let batch = batch(world, 0, number, &[0]);
    let (card, event) = (batch.events[0].card, batch.events[0].clone());
    let one = |(kind, days_ago): &(EventKind, i64)| Event {
        kind: *kind,
        at: world.clock.now().plus_millis(-days_ago * DAY_MS),
        ..event.clone()
    };
    let departments = BTreeMap::from([(card, DepartmentPath::from_iter(path.iter().copied()))]);
    AcceptedBatch { departments, events: events.iter().map(one).collect(), ..batch }
}

#[tokio::test]
async fn deltas_that_do_not_fit_wait_and_are_counted_once() {
    use EventKind::{Like, OpenChat, SavePhone, ViewCard, ViewProduct};
    let world = World::new().await;
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    // Ten identities of one person; a transaction reads each of them.
    let person = batch(&world, 0, 1, &[0]).person;
    for _ in 1..10 {
        world.merge(person, world.fresh_person(), MergeReason::Phone).await.unwrap();
    }
    let (before, after) = (path(10), path(20));
    let mut late: Vec<_> = (5..13).flat_map(|day| [(ViewProduct, day), (OpenChat, day)]).collect();
    late.extend([(Like, 6), (SavePhone, 7)]);
    let batches = [
        at(&world, 1, &before, &[(Like, 40), (SavePhone, 1)]),
        at(&world, 2, &after, &[(ViewCard, 0), (OpenChat, 1)]),
        at(&world, 3, &after, &late),
    ];
    for batch in &batches {
        for _ in 0..2 {
            let response = radar_aggregator::handle(&aggregator, delivered(&[batch], 1), "r").await;
            assert!(response.batch_item_failures.is_empty());
        }
    }
    let today = Day::of(world.clock.now());
    let metrics = async |scope, window| {
        let counts = world.store.counters(world.company, scope, today.plus(-60)).await.unwrap();
        counts.metrics(window, today)
    };
    let company = metrics(Scope::Company, Window::Total).await;
    assert_eq!((company.visitors, company.views, company.likes, company.saves), (1, 9, 1, 1));
    let sweep = async || world.store.sweep_pending_deltas(&limits(&world, 100)).await.result().unwrap();
    assert_eq!((sweep().await, sweep().await), (1, 0), "one chunk was left");
    for window in Window::ALL {
        let company = metrics(Scope::Company, window).await;
        for department in &after {
            assert_eq!(metrics(Scope::Department(*department), window).await, company, "{window:?}");
        }
        for department in &before {
            assert_eq!(metrics(Scope::Department(*department), window).await, Metrics::default(), "{window:?}");
        }
    }
}
