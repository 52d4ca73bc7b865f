//! The feeds of a card and of the company: the order within a page, late batches, and pages that neither
//! lose nor repeat events.

use std::collections::BTreeSet;

use domain::crm::merge::MergeReason;
use domain::kernel::day::Day;
use domain::kernel::timestamp::SECOND_MS;
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::filter_reason::FilterReason;
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

/// How many lines all pages of a feed have.
async fn opened(world: &World, functions: &Functions, scope: &str, asked: &str) -> i64 {
    let (mut lines, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let answer = radar(world, functions, &format!("{scope}/feed"), &format!("limit=7&{asked}{cursor}")).await;
        for line in answer["items"].as_array().unwrap() {
            assert!(lines.insert(line["id"].to_string()), "no line comes twice");
        }
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return i64::try_from(lines.len()).unwrap(),
        }
    }
}

/// The boss's answer.
async fn radar(world: &World, functions: &Functions, path: &str, query: &str) -> Value {
    let mut payload: Value = serde_json::from_str(&load("radar", "get_company_today", world)).unwrap();
    let path = format!("/v1/radar/{path}");
    payload["rawPath"] = path.clone().into();
    payload["rawQueryString"] = query.into();
    payload["requestContext"]["http"]["path"] = path.into();
    let (status, answer) = call(functions.router("radar"), &payload.to_string()).await;
    assert_eq!(status, 200, "{query}: {answer}");
    answer
}

/// Views, forwards and likes of sixty people on three cards over a week: some late, some held back, some
/// delivered twice, two people merged.
#[tokio::test]
async fn every_number_of_events_opens_to_as_many_lines() {
    let world = World::new().await;
    let (functions, aggregator) = (Functions::on(&world).await, aggregator(&world, KeptDeadLetters::default()));
    for n in 0..120_u64 {
        let days = [n % 7, n * 5 % 7, n % 3].map(|day| i64::try_from(day).unwrap());
        let mut batch = batch(&world, u128::from(n % 60), n, &days);
        let reason = [None, Some(FilterReason::Bot), Some(FilterReason::Colleague), Some(FilterReason::Anonymous)];
        let reason = reason[usize::try_from(n % 10).unwrap().min(4) % 4];
        batch.events.iter_mut().step_by(2).for_each(|event| event.filtered = reason);
        for _ in 0..=n % 2 {
            radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
        }
    }
    let [a, b] = [3, 6].map(|n| batch(&world, n, 0, &[0]).person);
    world.merge(a, b, MergeReason::Phone).await.unwrap();
    let today = Day::of(world.clock.now());
    for scope in ["company".to_owned(), format!("cards/{}", world.card("lin"))] {
        for (first, last) in [(0, 0), (1, 1), (6, 0), (29, 0), (5, 2)] {
            let days = format!("from={}&to={}", today.plus(-first), today.plus(-last));
            let numbers = radar(&world, &functions, &format!("{scope}/range"), &days).await;
            for metric in ["views", "forwards"] {
                let lines = opened(&world, &functions, &scope, &format!("{days}&metric={metric}")).await;
                assert_eq!(lines, numbers[metric].as_i64().unwrap(), "{scope} {metric} {days}");
            }
        }
        let by_kind = radar(&world, &functions, &format!("{scope}/today"), "").await["by_kind"].take();
        let filtered = radar(&world, &functions, &format!("{scope}/filtered"), "").await["windows"].take();
        for (kind, number) in by_kind.as_object().unwrap() {
            let lines = opened(&world, &functions, &scope, &format!("from={today}&kind={kind}")).await;
            assert_eq!(lines, number.as_i64().unwrap(), "{scope} {kind}");
        }
        let week = format!("from={}&to={today}", today.plus(-6));
        for (reason, number) in filtered["last_7_days"].as_object().unwrap() {
            let lines = opened(&world, &functions, &scope, &format!("{week}&filtered=only&reason={reason}")).await;
            assert_eq!(lines, number.as_i64().unwrap(), "{scope} {reason}");
        }
        assert!(filtered["last_7_days"]["colleague"].as_i64().unwrap() > 0);
    }
}
