//! Any days of the last 400 on DynamoDB Local: exact people against sets, what was counted before
//! long gaps were, the largest days, and the heat map.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::crm::merge::MergeReason;
use domain::kernel::day::Day;
use domain::kernel::id::PersonId;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::radar::counter::{Counter, Counts, Period, Scope};
use serde_json::{Value, json};
use store::KEY_ATTRIBUTES;
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, recounter};

/// DynamoDB's limit of what a Query reads.
const PAGE_MAX: usize = 1 << 20;

fn number_of(length: usize) -> i64 {
    i64::try_from(length).unwrap()
}

/// People and how many days ago each was there.
type SeenBy = BTreeMap<u128, BTreeSet<i64>>;

/// Ten people, with gaps of a day, of a month and of most of a year.
fn history() -> SeenBy {
    let mut random = 1_u64;
    let mut below = |most: i64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        i64::try_from(random >> 33).unwrap() % most
    };
    let mut day = |nth: i64| match nth % 3 {
        0 => below(12),
        1 => below(400),
        _ => 25 + below(10),
    };
    (1..11).map(|person| (person, (0..7).map(&mut day).collect())).collect()
}

/// Late days come late, as messages that waited in the queue do.
async fn visits(world: &World, history: &SeenBy) -> BTreeMap<u128, PersonId> {
    let mut people = BTreeMap::new();
    let newest_first = history.iter().flat_map(|(person, days)| days.iter().map(move |day| (*person, *day)));
    for (number, (person, day)) in (0..).zip(newest_first) {
        let batch = batch(world, person, number, &[day]);
        let aggregator = aggregator(world, KeptDeadLetters::default());
        let response = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
        assert!(response.batch_item_failures.is_empty());
        people.insert(person, batch.person);
    }
    people
}

/// The boss's answer of the company.
async fn asked(world: &World, what: &str, query: &str) -> (u16, Value) {
    let mut payload: Value = serde_json::from_str(&load("radar", "get_company_today", world)).unwrap();
    let path = format!("/v1/radar/company/{what}");
    payload["rawPath"] = json!(path);
    payload["rawQueryString"] = json!(query);
    payload["requestContext"]["http"]["path"] = json!(path);
    call(Functions::on(world).await.router("radar"), &payload.to_string()).await
}

/// Asks for ranges of all lengths and compares their people with sets. Returns whether all that are
/// longer than a month are said to be exact, and those that are wrong.
async fn compared(world: &World, history: &SeenBy) -> (bool, Vec<String>) {
    let (today, mut all_exact, mut wrong) = (Day::of(world.clock.now()), true, Vec::new());
    for (first, last) in [(0, 0), (29, 0), (30, 0), (90, 31), (199, 0), (365, 351), (399, 0), (399, 200), (45, 10)] {
        let (from, to) = (today.plus(-first), today.plus(-last));
        let (status, answer) = asked(world, "range", &format!("from={from}&to={to}")).await;
        assert_eq!(status, 200, "{answer}");
        let count = |first: i32, last: i32| {
            let days = i64::from(last)..=i64::from(first);
            number_of(history.values().filter(|seen| seen.range(days.clone()).next().is_some()).count())
        };
        let length = first - last + 1;
        let is_long = length > 30;
        all_exact &= answer["exact"] == true || !is_long;
        assert!(is_long || answer["exact"] == true, "{answer}");
        if answer["visitors"] != count(first, last) {
            wrong.push(format!("{from} {to}: {} instead of {}", answer["visitors"], count(first, last)));
        }
        let previous = &answer["previous"];
        assert_eq!(previous.is_object(), first + length <= 399, "{from} {to}: {previous}");
        if previous.is_object() {
            assert_eq!(previous["from"], json!(today.plus(-first - length)), "{from} {to}");
            assert_eq!(previous["to"], json!(today.plus(-first - 1)), "{from} {to}");
            if previous["visitors"] != count(first + length, first + 1) {
                wrong.push(format!("before {from} {to}: {}", previous["visitors"]));
            }
        }
    }
    (all_exact, wrong)
}

async fn recount(world: &World) {
    let stop_at = world.clock.now().plus_millis(900 * SECOND_MS);
    recounter(world).run(json!({ "company_id": world.company.id() }), stop_at, "r").await.unwrap();
}

/// Takes all gaps of more than 29 days out of the table, as it was before they were counted.
async fn forget_long_gaps(world: &World) -> usize {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let mut forgotten = 0;
    for item in items {
        if item["type"].as_s().unwrap() != "counters" {
            continue;
        }
        let long = |name: &&String| matches!(Counter::from_code(name), Some(Counter::Gap(_, gap)) if gap > 29);
        let names: Vec<_> = item.keys().filter(long).cloned().collect();
        for name in names {
            forgotten += 1;
            let mut key = item.clone();
            key.retain(|attribute, _| KEY_ATTRIBUTES.contains(&attribute.as_str()));
            let update = world.dynamodb.update_item().table_name(&world.table).set_key(Some(key));
            update.update_expression("REMOVE #a").expression_attribute_names("#a", name).send().await.unwrap();
        }
    }
    forgotten
}

#[tokio::test]
async fn the_people_of_any_range_are_those_of_sets_through_merges_and_their_undoing() {
    let world = World::new().await;
    let mut history = history();
    let people = visits(&world, &history).await;
    assert_eq!(compared(&world, &history).await.1, Vec::<String>::new());
    let [a, b] = [0, 1].map(|n| *people.keys().nth(n).unwrap());
    let apart = history.clone();
    let merge = world.merge(people[&a], people[&b], MergeReason::Phone).await.unwrap();
    let of_b = history.remove(&b).unwrap();
    history.get_mut(&a).unwrap().extend(of_b);
    assert_eq!(compared(&world, &history).await.1, Vec::<String>::new(), "{merge:?}");
    recount(&world).await;
    assert_eq!(compared(&world, &history).await, (true, Vec::new()));
    assert_ne!(history, apart);
}

#[tokio::test]
async fn what_was_counted_before_long_gaps_were_is_said_not_to_be_exact_until_the_recount() {
    let world = World::new().await;
    let history = history();
    visits(&world, &history).await;
    assert!(forget_long_gaps(&world).await > 10);
    let (exact, wrong) = compared(&world, &history).await;
    assert!(!exact && !wrong.is_empty());
    recount(&world).await;
    assert_eq!(compared(&world, &history).await, (true, Vec::new()));
}

/// Every counter of every day, with two digits.
#[tokio::test]
async fn four_hundred_of_the_largest_days_are_read_in_two_calls() {
    let world = World::new().await;
    let (today, counts) = (Day::of(world.clock.now()), Counter::all().map(|counter| (counter, 77)).collect::<Counts>());
    let place = (Scope::Company, Period::Day(today));
    world.store.repair_counters(world.company, place, &counts, 0).await.unwrap();
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let size = |value: &AttributeValue| {
        let number = value.as_n().map(|number| number.len().div_ceil(2) + 1);
        number.unwrap_or_else(|_| value.as_s().map_or(1, String::len))
    };
    let sizes = items.iter().filter(|item| item["type"].as_s().unwrap() == "counters");
    let largest = sizes.map(|item| item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>()).max();
    let largest = largest.unwrap();
    assert!((3_000..PAGE_MAX / 200).contains(&largest), "{largest} bytes: a page of a Query holds 200 days");
}

#[tokio::test]
async fn the_heat_map_has_each_event_in_its_weekday_and_hour() {
    let world = World::new().await;
    // It is Saturday noon. A batch has a view of lin's card for each of the days.
    let event = batch(&world, 1, 1, &[0, 7, 1, 30]);
    let hour =
        |at: i64| usize::try_from((at + 8 * 3_600 * SECOND_MS).rem_euclid(DAY_MS) / (3_600 * SECOND_MS)).unwrap();
    let mut expected = vec![[0_i64; 24]; 7];
    for event in &event.events {
        let day = Day::of(event.at);
        if day > Day::of(world.clock.now()).plus(-30) {
            expected[day.weekday()][hour(event.at.millis())] += 1;
        }
    }
    let aggregator = aggregator(&world, KeptDeadLetters::default());
    radar_aggregator::handle(&aggregator, delivered(&[&event], 1), "r").await;
    let (status, answer) = asked(&world, "heat-map", "").await;
    assert_eq!(status, 200, "{answer}");
    let rows: Vec<_> = answer["weekdays"].as_array().unwrap().iter().map(|row| row["hours"].clone()).collect();
    assert_eq!(json!(rows), json!(expected));
    assert_eq!([4, 5].map(|weekday| expected[weekday].iter().sum::<i64>()), [1, 4], "a Friday and two Saturdays");
    let days: i64 = answer["weekdays"].as_array().unwrap().iter().map(|row| row["days"].as_i64().unwrap()).sum();
    assert_eq!(days, 30);
}

#[tokio::test]
async fn a_range_that_cannot_be_is_refused_with_the_end_that_is_wrong() {
    let world = World::new().await;
    for (query, pointer, code) in [
        ("from=2026-11-21&to=2026-11-20", "from", "wrong_order"),
        ("to=2026-11-22", "to", "in_future"),
        ("from=2025-10-17", "from", "too_early"),
        ("from=2026-11-31", "from", "invalid_day"),
        ("to=today", "to", "invalid_day"),
    ] {
        for what in ["range", "days", "heat-map"] {
            let (status, answer) = asked(&world, what, query).await;
            assert_eq!((status, &answer["code"]), (400, &json!("invalid_query")), "{query}: {answer}");
            assert_eq!([&answer["errors"][0]["pointer"], &answer["errors"][0]["code"]], [pointer, code], "{query}");
            assert!(!answer["errors"][0]["detail"].as_str().unwrap().is_ascii(), "{query}");
        }
    }
    let (status, answer) = asked(&world, "days", "from=2025-10-18").await;
    assert_eq!((status, answer["days"].as_array().unwrap().len()), (200, 400));
}
