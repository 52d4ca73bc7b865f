//! The feeds of a card and of the company: the order within a page, late batches, and pages that neither
//! lose nor repeat events.

use std::collections::BTreeSet;

use domain::kernel::timestamp::SECOND_MS;
use domain::tracking::batch::AcceptedBatch;
use serde_json::Value;
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;

/// A batch of three events on `lin`'s card that was received this many seconds ago. The higher its
/// number, the later is its id, and the earlier are its events.
fn received(world: &World, number: u64, seconds_ago: i64) -> AcceptedBatch {
    let received_at = world.clock.now().plus_millis(-seconds_ago * SECOND_MS);
    AcceptedBatch { received_at, ..batch(world, u128::from(number) * 3, number, &[0]) }
}

/// A page of a feed: its lines, and where the next one starts.
async fn page(world: &World, functions: &Functions, feed: &str, query: &str) -> (Vec<Value>, Option<String>) {
    let file = load("radar", feed, world);
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
async fn a_page_of_a_feed_is_newest_first_whatever_was_counted_first() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    // Counted in this order, in several transactions: the queue does not keep the order.
    for counted in [[(1, 40), (2, 10), (3, 30)], [(4, 10), (5, 60), (6, 10)]] {
        let batches = counted.map(|(number, seconds)| received(&world, number, seconds));
        let event = delivered(&batches.each_ref(), 1);
        assert!(radar_aggregator::handle(&aggregator, event, "r").await.batch_item_failures.is_empty());
    }
    for (feed, lines) in [("get_company_feed", 18), ("get_card_feed", 18)] {
        in_order(&world, &functions, feed, lines).await;
    }
}

/// Reads a feed at once and page by page.
async fn in_order(world: &World, functions: &Functions, feed: &str, lines: usize) {
    let (all, next) = page(world, functions, feed, "limit=100").await;
    assert_eq!((all.len(), next), (lines, None), "{feed}");
    let mut sorted = times(&all);
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(times(&all), sorted);
    let (mut seen, mut query) = (Vec::new(), "limit=4".to_owned());
    loop {
        let (lines, next) = page(world, functions, feed, &query).await;
        let mut sorted = times(&lines);
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(times(&lines), sorted, "each page by itself");
        seen.extend(lines.iter().map(|line| line["id"].to_string()));
        let Some(cursor) = next else { break };
        query = format!("limit=4&cursor={cursor}");
    }
    assert_eq!(seen.len(), lines, "no line comes twice");
    assert_eq!(BTreeSet::from_iter(seen), all.iter().map(|line| line["id"].to_string()).collect());
}
