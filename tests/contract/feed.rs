//! The company's feed: the order within a page, and pages that neither lose nor repeat events.

use std::collections::BTreeSet;

use domain::kernel::timestamp::SECOND_MS;
use domain::tracking::batch::AcceptedBatch;
use serde_json::Value;
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;

/// A batch of three events that was received this many seconds ago.
fn received(world: &World, number: u64, seconds_ago: i64) -> AcceptedBatch {
    let received_at = world.clock.now().plus_millis(-seconds_ago * SECOND_MS);
    AcceptedBatch { received_at, ..batch(world, u128::from(number), number, &[0]) }
}

/// A page of the feed: its lines, and where the next one starts.
async fn page(world: &World, functions: &Functions, query: &str) -> (Vec<Value>, Option<String>) {
    let file = load("radar", "get_company_feed", world);
    assert!(file.contains(r#""rawQueryString": "limit=5""#), "{file}");
    let file = file.replace("limit=5", query);
    let (status, body) = call(functions.router("radar"), &file).await;
    assert_eq!(status, 200, "{body}");
    (body["items"].as_array().unwrap().clone(), body["next_cursor"].as_str().map(str::to_owned))
}

fn times(lines: &[Value]) -> Vec<(&str, &str)> {
    lines.iter().map(|item| (item["received_at"].as_str().unwrap(), item["at"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_page_of_the_companys_feed_is_newest_first_whatever_was_counted_first() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    // Counted in this order, in several transactions: the queue does not keep the order.
    for counted in [[40, 10, 30], [20, 60, 5_i64]] {
        let batches = counted.map(|seconds| received(&world, seconds.unsigned_abs(), seconds));
        let event = delivered(&batches.each_ref(), 1);
        assert!(radar_aggregator::handle(&aggregator, event, "r").await.batch_item_failures.is_empty());
    }
    let (all, next) = page(&world, &functions, "limit=100").await;
    assert_eq!((all.len(), next), (18, None));
    let mut sorted = times(&all);
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(times(&all), sorted);
    let (mut seen, mut query) = (Vec::new(), "limit=4".to_owned());
    loop {
        let (lines, next) = page(&world, &functions, &query).await;
        let mut sorted = times(&lines);
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(times(&lines), sorted, "each page by itself");
        seen.extend(lines.iter().map(|line| line["id"].to_string()));
        let Some(cursor) = next else { break };
        query = format!("limit=4&cursor={cursor}");
    }
    assert_eq!(seen.len(), 18, "no line comes twice");
    assert_eq!(BTreeSet::from_iter(seen), all.iter().map(|line| line["id"].to_string()).collect());
}
