//! Recounts on DynamoDB Local: wrong numbers are found and repaired, right ones are left alone,
//! also under concurrent writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::crm::identity_group::MergeEdge;
use domain::crm::merge::{Merge, MergeReason};
use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, Id};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::radar::counter::Scope;
use domain::radar::metrics::Metrics;
use domain::radar::recount::{Drift, Measure, RecountReport};
use serde_json::{Value, json};
use store::{KEY_ATTRIBUTES, PutAside};
use testkit::events::load;
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered, set_layout};
use crate::event_files::KeptDeadLetters;
use crate::functions::{housekeeping, no_stop, recounter};
use crate::login::another_company;

async fn asked(world: &World, payload: Value) -> Result<Value, Failure> {
    recounter(world).run(payload, world.clock.now().plus_millis(900 * SECOND_MS), "r").await
}

async fn recounted(world: &World, dry_run: bool) -> RecountReport {
    let command = json!({ "company_id": world.company.id(), "dry_run": dry_run });
    serde_json::from_value(asked(world, command).await.unwrap()).unwrap()
}

/// Like the queue: failed messages are delivered again.
async fn visit(world: &World, person: u128, number: u64, days_ago: &[i64]) {
    let batch = batch(world, person, number, days_ago);
    let aggregator = aggregator(world, KeptDeadLetters::default());
    while !radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await.batch_item_failures.is_empty() {}
}

/// Nine people on three cards, several days each.
async fn days_of_visits(world: &World) {
    for n in 0..18_u64 {
        visit(world, u128::from(n % 9), n, &[i64::try_from(n % 4).unwrap(), 1, 9]).await;
    }
}

async fn metrics(world: &World, scope: Scope) -> Vec<Metrics> {
    let today = Day::of(world.clock.now());
    let counts = world.store.counters(world.company, scope, today.plus(-60)).await.unwrap();
    Window::ALL.into_iter().map(|window| counts.metrics(window, today)).collect()
}

/// Sets or removes an attribute of the item with this end of its keys, past the functions.
async fn tamper(world: &World, [pk, sk]: [&str; 2], attribute: &str, value: Option<AttributeValue>) {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let ends = |item: &std::collections::HashMap<String, AttributeValue>, n: usize, ending: &str| {
        item[KEY_ATTRIBUTES[n]].as_s().unwrap().ends_with(ending)
    };
    let of_company = |item: &std::collections::HashMap<String, AttributeValue>| {
        item.contains_key(attribute) && ends(item, 0, pk) && ends(item, 1, sk)
    };
    set(world, items.into_iter().find(of_company).unwrap(), attribute, value).await;
}

async fn set(
    world: &World,
    mut key: std::collections::HashMap<String, AttributeValue>,
    attribute: &str,
    value: Option<AttributeValue>,
) {
    key.retain(|name, _| KEY_ATTRIBUTES.contains(&name.as_str()));
    let update = world.dynamodb.update_item().table_name(&world.table).set_key(Some(key));
    let update = update.expression_attribute_names("#a", attribute);
    let update = match value {
        Some(value) => update.update_expression("SET #a = :a").expression_attribute_values(":a", value),
        None => update.update_expression("REMOVE #a"),
    };
    update.send().await.unwrap();
}

fn number(value: i64) -> Option<AttributeValue> {
    Some(AttributeValue::N(value.to_string()))
}

#[tokio::test]
async fn right_numbers_are_found_right_and_the_dashboard_shows_when() {
    let world = World::new().await;
    assert_eq!(world.store.recount_report(world.company).await.unwrap(), None);
    days_of_visits(&world).await;
    let [a, b] = [batch(&world, 1, 0, &[0]).person, batch(&world, 2, 0, &[0]).person];
    world.merge(a, b, MergeReason::Phone).await.unwrap();
    let before = metrics(&world, Scope::Company).await;
    let report = recounted(&world, false).await;
    assert_eq!((report.wrong(), report.unchecked()), (0, 0), "{report:?}");
    assert_eq!((report.events, report.people), (90, 9));
    assert_eq!(world.store.recount_report(world.company).await.unwrap(), Some(report));
    assert_eq!(metrics(&world, Scope::Company).await, before);
    for scope in [Scope::Company, Scope::Card(world.card("lin"))] {
        let counts = world.store.counters(world.company, scope, Day::of(world.clock.now())).await.unwrap();
        assert_eq!(counts.checked_at, Some(world.clock.now()));
    }
}

#[tokio::test]
async fn whatever_is_wrong_is_reported_by_a_dry_run_and_repaired_by_the_next() {
    let world = World::new().await;
    days_of_visits(&world).await;
    let right = (metrics(&world, Scope::Company).await, metrics(&world, Scope::Card(world.card("chen"))).await);
    let yesterday = format!("{}", Day::of(world.clock.now()).plus(-1));
    let chen = world.card("chen").to_string();
    let person = batch(&world, 4, 0, &[0]).person;
    // One too many, one missing, one of a day without events, an empty state, and numbers that the
    // log does not have.
    tamper(&world, ["ALL", "LIFETIME"], "v", number(100)).await;
    tamper(&world, [&chen, &yesterday], "e1", None).await;
    tamper(&world, [&chen, "LIFETIME"], "rev", number(77)).await;
    let empty = Some(AttributeValue::S("{\"p\":{},\"c\":{}}".to_owned()));
    tamper(&world, [&person.to_string(), "CUSTOMER"], "state", empty).await;
    let wrong = (metrics(&world, Scope::Company).await, metrics(&world, Scope::Card(world.card("chen"))).await);
    assert_ne!(wrong, right);
    let found = recounted(&world, true).await;
    let stored = (metrics(&world, Scope::Company).await, metrics(&world, Scope::Card(world.card("chen"))).await);
    assert_eq!((stored, found.repaired), (wrong, false), "a dry run writes nothing");
    assert_eq!(world.store.recount_report(world.company).await.unwrap(), None);
    assert_eq!((found.customers, found.unchecked()), (1, 0));
    assert_eq!(found.drift[&Measure::Visitors], Drift { counters: 1, amount: 91 });
    assert_eq!(found.drift[&Measure::Views].counters, 1);
    let finding = found.findings.iter().find(|finding| finding.measure == Measure::Visitors).unwrap();
    assert_eq!((finding.card, finding.day, finding.stored, finding.expected), (None, None, 100, 9));
    let repaired = recounted(&world, false).await;
    assert_eq!((repaired.drift, repaired.customers, repaired.repaired), (found.drift, 1, true));
    let stored = (metrics(&world, Scope::Company).await, metrics(&world, Scope::Card(world.card("chen"))).await);
    assert_eq!(stored, right);
    assert_eq!(recounted(&world, false).await.wrong(), 0);
    // The next event is counted with the repaired state.
    visit(&world, 4, 99, &[0, 1]).await;
    assert_eq!(recounted(&world, true).await.wrong(), 0);
}

#[tokio::test]
async fn pending_deltas_of_a_merge_are_no_drift() {
    let world = World::new().await;
    let days_ago: Vec<_> = (0..60).collect();
    for (number, (person, days)) in [(0, 0), (0, 30), (3, 0), (3, 30)].into_iter().enumerate() {
        visit(&world, person, u64::try_from(number).unwrap(), &days_ago[days..days + 30]).await;
    }
    let [a, b] = [batch(&world, 0, 0, &[0]).person, batch(&world, 3, 0, &[0]).person];
    let edge = MergeEdge { merge: world.ids.new_id(world.clock.now()).unwrap(), a, b };
    let merge = Merge { edge, reason: MergeReason::Phone, at: world.clock.now(), undone: None };
    let plan = merge.plan(&world.known(a, b).await.unwrap()).unwrap();
    let left = world.store.apply_merge(world.company, &merge, &plan, None).await.unwrap();
    assert!(!left.is_empty());
    let waiting = recounted(&world, false).await;
    assert_eq!((waiting.wrong(), waiting.unchecked()), (0, 0), "{waiting:?}");
    housekeeping(&world, 0).await.run(no_stop(), "r").await.unwrap();
    assert!(world.store.pending_deltas(world.company, &mut PutAside::default()).await.unwrap().is_empty());
    assert_eq!(recounted(&world, false).await.wrong(), 0);
    assert_eq!(metrics(&world, Scope::Company).await[0].visitors, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recounts_beside_writers_and_merges_touch_nothing_that_is_right() {
    let world = Arc::new(World::new().await);
    days_of_visits(&world).await;
    tamper(&world, ["ALL", "LIFETIME"], "v", number(100)).await;
    let writers = (0..3_u64).map(|writer| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for n in 0..25 {
                let number = 1_000 * (writer + 1) + n;
                let late = i64::try_from(n % 6).unwrap();
                visit(&world, u128::from((n * 5 + writer) % 12), number, &[0, late]).await;
            }
        })
    });
    let merging = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for n in 0..6_u128 {
                let [a, b] = [n, n + 1].map(|n| batch(&world, n, 0, &[0]).person);
                while world.merge(a, b, MergeReason::Phone).await == Err(Failure::Busy) {}
            }
        })
    };
    let tasks: Vec<_> = writers.chain([merging]).collect();
    let (mut drift, mut runs) = (BTreeMap::<Measure, Drift>::new(), 0);
    while runs < 3 || tasks.iter().any(|task| !task.is_finished()) {
        for (measure, found) in recounted(&world, false).await.drift {
            let sum = drift.entry(measure).or_default();
            sum.counters += found.counters;
            sum.amount += found.amount;
        }
        runs += 1;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let last = recounted(&world, false).await;
    assert_eq!((last.unchecked(), last.customers), (0, 0), "{last:?}");
    for (measure, found) in last.drift {
        drift.insert(measure, found);
    }
    assert_eq!(drift, BTreeMap::from([(Measure::Visitors, Drift { counters: 1, amount: 91 })]), "after {runs} runs");
    assert_eq!(recounted(&world, true).await.wrong(), 0);
}

#[tokio::test]
async fn each_night_every_company_has_its_turn() {
    let world = World::new().await;
    days_of_visits(&world).await;
    let (other, _) = another_company(&world).await;
    let night: Value = serde_json::from_str(&load("recount", "night", &world)).unwrap();
    let list: Value = serde_json::from_str(&load("recount", "list", &world)).unwrap();
    let listed = json!({ "companies": [world.company.id(), other.id()], "next": null });
    assert_eq!(asked(&world, list).await.unwrap(), listed);
    let page = async |after| world.store.recounts_due(world.clock.now(), after, 1).await;
    let first = page(None).await;
    let second = page(first.next.as_deref()).await;
    let third = page(second.next.as_deref()).await;
    assert_eq!(([first.items, second.items].concat(), third.items.len()), (vec![world.company, other], 0));
    let again = async || asked(&world, night.clone()).await.unwrap()["recounted"].clone();
    assert_eq!((again().await, again().await), (json!(2), json!(0)));
    world.clock.advance(DAY_MS);
    let no_time = recounter(&world).run(night.clone(), world.clock.now().plus_millis(-2), "r").await.unwrap();
    assert_eq!(no_time["recounted"], 0, "the rest waits for the next call");
    assert_eq!(again().await, 2);
}

/// Each kind of item that a recount reads, with the end of the key of one that is poisoned, and what is
/// not checked then.
#[tokio::test]
async fn what_cannot_be_read_is_put_aside_and_all_that_does_not_depend_on_it_is_checked() {
    let poisoned = ["segment", "counters", "customer", "merge", "member", "pending_tally"];
    for kind in poisoned {
        let world = World::new().await;
        days_of_visits(&world).await;
        if kind == "pending_tally" {
            leave_pending(&world).await;
        }
        let lin = world.card("lin").to_string();
        let ending = match kind {
            "segment" | "counters" => lin.clone(),
            "customer" => ["CUSTOMER", &batch(&world, 0, 0, &[0]).person.to_string()].join("#"),
            "member" => world.staff["lin"].member.to_string(),
            _ => String::new(),
        };
        set_layout(&world, kind, &ending, "99").await;
        // A number of chen's card is wrong.
        let chen = world.card("chen").to_string();
        tamper(&world, [&chen, "LIFETIME"], "v", number(100)).await;
        let report = recounted(&world, false).await;
        let depends = matches!(kind, "merge" | "pending_tally");
        assert_eq!(report.drift.len(), usize::from(!depends), "{kind}: {report:?}");
        assert!(report.unchecked() > 0, "{kind}: {report:?}");
        let marks = asides(&world).await;
        assert_eq!(marks.len(), 1, "{kind}: {marks:?}");
        assert!(marks[0].contains(kind), "{marks:?}");
        // The company's own numbers are compared when they do not depend on it.
        let is_checked = kind == "customer" || kind == "counters";
        let counts = world.store.counters(world.company, Scope::Company, Day::of(world.clock.now())).await.unwrap();
        assert_eq!(counts.checked_at.is_some(), is_checked, "{kind}");
    }
}

/// A chunk of changes that waits.
async fn leave_pending(world: &World) {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let pk = [&world.company.id().to_string(), "PENDING"].join("#");
    let item = [
        (KEY_ATTRIBUTES[0], text(&pk)),
        (KEY_ATTRIBUTES[1], text("0")),
        ("type", text("pending_tally")),
        ("changes", text("[]")),
    ];
    let item = item.into_iter().chain([("layout", AttributeValue::N("3".to_owned()))]);
    let item = item.map(|(name, value)| (name.to_owned(), value)).collect();
    world.dynamodb.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
}

/// The reasons of all that was put aside.
pub(crate) async fn asides(world: &World) -> Vec<String> {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let marks = items.iter().filter(|item| item.get("type").is_some_and(|kind| kind.as_s().unwrap() == "aside"));
    marks.map(|item| item["reason"].as_s().unwrap().clone()).collect()
}

/// Moves each gap to the earlier of its two days, as in layout 1.
async fn as_in_layout_1(world: &World) -> usize {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let mut moved = 0;
    for item in &items {
        for (name, value) in item.iter().filter(|(name, _)| name.len() > 1 && "VTM".contains(&name[..1])) {
            let Ok(gap) = name[1..].parse::<i32>() else { continue };
            let (prefix, day) = item[KEY_ATTRIBUTES[1]].as_s().unwrap().rsplit_once('#').unwrap();
            let mut earlier = item.clone();
            let sort_key = format!("{prefix}#{}", day.parse::<Day>().unwrap().plus(-gap));
            earlier.insert(KEY_ATTRIBUTES[1].to_owned(), AttributeValue::S(sort_key));
            set(world, item.clone(), name, None).await;
            set(world, earlier, &name.to_lowercase(), Some(value.clone())).await;
            moved += 1;
        }
    }
    moved
}

#[tokio::test]
async fn gaps_that_were_stored_by_layout_1_count_as_before() {
    let world = World::new().await;
    days_of_visits(&world).await;
    let right = metrics(&world, Scope::Company).await;
    assert!(as_in_layout_1(&world).await > 20);
    assert_eq!(metrics(&world, Scope::Company).await, right);
    // A late day falls between two days whose gap has the old layout.
    visit(&world, 4, 99, &[5, 0]).await;
    let report = recounted(&world, true).await;
    assert_eq!((report.wrong(), report.unchecked()), (0, 0), "{report:?}");
}

#[tokio::test]
async fn a_command_names_a_company_that_is_there() {
    let world = World::new().await;
    let command: Value = serde_json::from_str(&load("recount", "command", &world)).unwrap();
    assert_eq!(asked(&world, command).await.unwrap()["events"], 0);
    let unknown = json!({ "company_id": CompanyId::from_uuid(uuid::Uuid::nil()) });
    assert_eq!(asked(&world, unknown).await, Err(Failure::NotFound));
    let misspelt = json!({ "company_id": world.company.id(), "dry": true });
    assert!(matches!(asked(&world, misspelt).await, Err(Failure::Corrupt(_))));
}
