//! Leaderboards on DynamoDB Local: updated from the feed, each page once, under concurrent runs.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::kernel::id::{Id, ProductId};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::media::upload::LINGER_MS;
use domain::radar::breakdown::{Breakdown, BreakdownKind};
use domain::radar::counter::Scope;
use domain::radar::ranking::{Metric, rank};
use serde_json::json;
use store::KEY_ATTRIBUTES;
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered, set_layout};
use crate::event_files::KeptDeadLetters;
use crate::functions::{housekeeping, no_stop};
use crate::login::another_company;
use crate::recount::asides;

const LAG_S: u32 = 60;

async fn count(world: &World, event: SqsEvent) {
    let response = radar_aggregator::handle(&aggregator(world, KeptDeadLetters::default()), event, "r").await;
    assert!(response.batch_item_failures.is_empty());
}

pub(crate) async fn breakdown(world: &World, scope: Scope, kind: BreakdownKind) -> Breakdown {
    let today = Day::of(world.clock.now());
    world.store.breakdown(world.company, scope, kind, (today.plus(-29), today)).await.unwrap().sum
}

async fn sharers(world: &World, scope: Scope) -> Breakdown {
    breakdown(world, scope, BreakdownKind::Sharers).await
}

#[tokio::test]
async fn a_page_gets_into_the_leaderboards_when_it_is_old_enough_and_only_once() {
    let world = World::new().await;
    let housekeeping = housekeeping(&world, LAG_S).await;
    // A view today and one yesterday, a like and a forward, by each of two people.
    count(&world, delivered(&[&batch(&world, 1, 1, &[0, 1]), &batch(&world, 2, 2, &[0, 1])], 1)).await;
    assert_eq!(
        housekeeping.run(no_stop(), "r").await.unwrap().leaderboards,
        1,
        "due at once, but the page is too young"
    );
    assert_eq!(sharers(&world, Scope::Company).await, Breakdown::default());
    for seconds in [i64::from(LAG_S), 300, 300] {
        world.clock.advance(seconds * SECOND_MS);
        housekeeping.run(no_stop(), "r").await.unwrap();
    }
    let company = sharers(&world, Scope::Company).await;
    assert_eq!(company.top_sharers(10).iter().map(|(_, forwards)| forwards.at_least).collect::<Vec<_>>(), [1, 1]);
    let products = breakdown(&world, Scope::Company, BreakdownKind::Products).await;
    assert!(products.top_things(10).is_empty(), "nobody looked at a product");
    assert_eq!(sharers(&world, Scope::Card(world.card("chen"))).await.counts().len(), 1);
    // The next pages are added to the same day.
    count(&world, delivered(&[&batch(&world, 1, 3, &[0])], 1)).await;
    world.clock.advance(300 * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    assert_eq!(sharers(&world, Scope::Company).await.counts().sum(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runs_at_the_same_time_add_nothing_twice() {
    let world = World::new().await;
    for chunk in 0..12_u64 {
        let batches: Vec<_> = (0..5)
            .map(|n| batch(&world, u128::from(chunk * 5 + n), chunk * 5 + n, &[i64::try_from(n).unwrap()]))
            .collect();
        count(&world, delivered(&batches.iter().collect::<Vec<_>>(), 1)).await;
    }
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    let housekeeping = Arc::new(housekeeping(&world, LAG_S).await);
    let runs = (0..6).map(|_| {
        let housekeeping = Arc::clone(&housekeeping);
        tokio::spawn(async move { housekeeping.run(no_stop(), "r").await.unwrap() })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap();
    }
    world.clock.advance(300 * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    assert_eq!(sharers(&world, Scope::Company).await.counts().sum(), 60);
    assert_eq!(world.store.shortlist(world.company, Scope::Company).await.unwrap().0.iter().count(), 60);
}

#[tokio::test]
async fn the_ranking_has_every_employee_with_a_card_and_follows_the_day() {
    let world = World::new().await;
    let housekeeping = housekeeping(&world, LAG_S).await;
    assert!(world.store.ranking(world.company).await.unwrap().is_none());
    // People 0 and 3 visit lin, person 1 visits chen.
    let batches = [batch(&world, 0, 1, &[0]), batch(&world, 3, 2, &[0]), batch(&world, 1, 3, &[0])];
    count(&world, delivered(&batches.iter().collect::<Vec<_>>(), 1)).await;
    housekeeping.run(no_stop(), "r").await.unwrap();
    let ranking = world.store.ranking(world.company).await.unwrap().unwrap();
    assert_eq!(ranking.as_of, world.clock.now());
    let names = |window| {
        let places = rank(&ranking.contenders, Metric::Visitors, window);
        places.iter().map(|place| (place.place, place.value)).collect::<Vec<_>>()
    };
    assert_eq!(names(Window::Total), [(1, 2), (2, 1), (3, 0)]);
    assert_eq!(names(Window::Yesterday), [(1, 0), (1, 0), (1, 0)]);
    world.clock.advance(DAY_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    let ranking = world.store.ranking(world.company).await.unwrap().unwrap();
    assert_eq!(rank(&ranking.contenders, Metric::Visitors, Window::Yesterday)[0].value, 2);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_put_aside_and_stops_nothing() {
    let world = World::new().await;
    count(&world, delivered(&[&batch(&world, 1, 1, &[0])], 1)).await;
    // It is due after the world's own company.
    let (other, _) = another_company(&world).await;
    set_layout(&world, "feed_page", "", "99").await;
    count(&world, delivered(&[&batch(&world, 4, 2, &[0])], 1)).await;
    world.clock.advance(DAY_MS + LINGER_MS);
    let housekeeping = housekeeping(&world, LAG_S).await;
    assert!(matches!(housekeeping.run(no_stop(), "r").await, Err(Failure::Corrupt(_))), "the alarm");
    for company in [world.company, other] {
        assert!(world.store.ranking(company).await.unwrap().is_some());
    }
    let days = (Day::of(world.clock.now()).plus(-29), Day::of(world.clock.now()));
    let sharers = world.store.sharers(world.company, Scope::Company, days).await.unwrap();
    assert_eq!(sharers.sum.counts().sum(), 1, "the page behind it");
    let marks = asides(&world).await;
    assert!(marks.len() == 1 && marks[0].contains("feed_page"), "{marks:?}");
    for upload in world.uploads.values() {
        assert_eq!(world.store.upload(world.company, *upload).await.unwrap_err(), Failure::NotFound);
    }
    world.clock.advance(300 * SECOND_MS);
    assert_eq!(housekeeping.run(no_stop(), "r").await.unwrap().leaderboards, 2, "it was passed for good");
}

#[tokio::test]
async fn breakdowns_of_layout_1_are_split_once_and_added_to() {
    let world = World::new().await;
    let housekeeping = housekeeping(&world, LAG_S).await;
    count(&world, delivered(&[&batch(&world, 1, 1, &[0])], 1)).await;
    world.clock.advance(300 * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    // As the code before has left it: all kinds of a day in one item.
    let (yesterday, text) = (Day::of(world.clock.now()).plus(-1), |value: String| AttributeValue::S(value));
    let product = ProductId::from_uuid(world.visitor.uuid());
    let item = [
        (KEY_ATTRIBUTES[0], text([&world.company.id().to_string(), "BREAKDOWN", "ALL"].join("#"))),
        (KEY_ATTRIBUTES[1], text(["DAY", &yesterday.to_string()].join("#"))),
        ("type", text("breakdown".to_owned())),
        ("layout", AttributeValue::N("1".to_owned())),
        ("things", text(json!([[{"type": "product", "id": product}, 7, "普洱"]]).to_string())),
        ("sharers", text(json!({ world.visitor.to_string(): 4 }).to_string())),
    ];
    let item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    world.dynamodb.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
    set_layout(&world, "boards", "PROGRESS", "1").await;
    count(&world, delivered(&[&batch(&world, 1, 2, &[1])], 1)).await;
    for _ in 0..2 {
        world.clock.advance(300 * SECOND_MS);
        housekeeping.run(no_stop(), "r").await.unwrap();
        let products = breakdown(&world, Scope::Company, BreakdownKind::Products).await;
        assert_eq!(products.top_things(9)[0].title, Some("普洱"));
        assert_eq!(products.counts().sum(), 7);
        assert_eq!(sharers(&world, Scope::Company).await.counts().sum(), 6, "four of before, and two");
    }
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let layouts = items.iter().filter(|item| item["type"].as_s().unwrap() == "breakdown").map(|item| &item["layout"]);
    assert!(layouts.clone().count() > 0 && layouts.into_iter().all(|layout| layout.as_n().unwrap() == "2"));
}
