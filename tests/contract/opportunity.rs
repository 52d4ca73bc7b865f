//! Rates set by hand and deals on DynamoDB Local: of several rates one wins, all deals count, and
//! closed customers are counted by person, also under concurrent writes.

use std::sync::Arc;

use domain::crm::merge::{Merge, MergeReason, Undone};
use domain::kernel::day::Day;
use domain::kernel::id::PersonId;
use domain::radar::counter::{Counter, Scope};
use domain::radar::metrics::count;
use serde_json::{Value, json};
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, recounter};

/// A company whose visitor has opened `lin`'s card.
struct Fixture {
    world: World,
    functions: Functions,
}

impl Fixture {
    async fn new() -> Self {
        let world = World::new().await;
        let functions = Functions::on(&world).await;
        let office = Self { world, functions };
        office.visit(office.world.visitor, 1).await;
        office
    }

    /// Like the queue: failed messages are delivered again.
    async fn visit(&self, person: PersonId, number: u64) {
        // Number 0 visits `lin`.
        let batch = domain::tracking::batch::AcceptedBatch { person, ..batch(&self.world, 0, number, &[0]) };
        let aggregator = aggregator(&self.world, KeptDeadLetters::default());
        while !radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await.batch_item_failures.is_empty()
        {
        }
    }

    /// Sends an event file about a person, repeated while others are in the way.
    async fn ask(&self, case: &str, person: PersonId, change: impl Fn(&mut Value)) -> (u16, Value) {
        let text = load("crm", case, &self.world).replace(&self.world.visitor.to_string(), &person.to_string());
        let mut event: Value = serde_json::from_str(&text).unwrap();
        change(&mut event);
        loop {
            match call(self.functions.router("crm"), &event.to_string()).await {
                (409, body) if body["code"] == "request_in_progress" => tokio::task::yield_now().await,
                done => return done,
            }
        }
    }

    async fn set(&self, person: PersonId, percent: u64) -> (u16, Value) {
        self.ask("set_close_rate", person, |event| event["body"] = json!({ "percent": percent }).to_string().into())
            .await
    }

    async fn close(&self, person: PersonId, key: &str) -> (u16, Value) {
        self.ask("create_deal", person, |event| event["headers"]["idempotency-key"] = key.into()).await
    }

    async fn delete_deal(&self, person: PersonId, deal: &Value) -> u16 {
        let id = deal["deal_id"].as_str().unwrap();
        let path = format!("/v1/cards/{}/customers/{person}/deals/{id}", self.world.card("lin"));
        let named = |event: &mut Value| {
            event["rawPath"] = path.clone().into();
            event["requestContext"]["http"]["path"] = path.clone().into();
        };
        self.ask("delete_deal.unknown", person, named).await.0
    }

    async fn customer(&self, person: PersonId) -> Value {
        let text = load("radar", "get_card_customer", &self.world);
        let text = text.replace(&self.world.visitor.to_string(), &person.to_string());
        call(self.functions.router("radar"), &text).await.1
    }

    /// Closed customers of the card and of the company.
    async fn closed(&self) -> [i64; 2] {
        let today = Day::of(self.world.clock.now());
        let counted = async |scope| {
            let counts = self.world.store.counters(self.world.company, scope, today).await.unwrap();
            count(&counts.lifetime, Counter::ClosedCustomers)
        };
        [counted(Scope::Card(self.world.card("lin"))).await, counted(Scope::Company).await]
    }

    async fn entries(&self) -> usize {
        let page = self.world.store.audit_log(self.world.company, &Default::default(), None, 100).await.unwrap();
        let actions = page.items.iter().map(|entry| serde_json::to_value(entry.action).unwrap());
        actions
            .filter(|action| ["close_rate_set", "deal_recorded", "deal_removed"].contains(&action.as_str().unwrap()))
            .count()
    }
}

#[tokio::test]
async fn a_rate_set_by_hand_stands_until_it_is_taken_back() {
    let office = Fixture::new().await;
    let visitor = office.world.visitor;
    let model = office.customer(visitor).await["close_rate"].clone();
    assert_eq!((model["source"].as_str(), &model["manual"]), (Some("model"), &Value::Null));
    let (status, set) = office.set(visitor, 80).await;
    assert_eq!((status, &set["basis_points"], &set["source"]), (200, &json!(8_000), &json!("manual")));
    let shown = office.customer(visitor).await["close_rate"].clone();
    assert_eq!(
        (&shown["basis_points"], &shown["band"], &shown["source"]),
        (&json!(8_000), &json!("below_99"), &json!("manual"))
    );
    assert_eq!((&shown["model_score"], &shown["manual"]), (&model["score"], &set["manual"]));
    office.world.clock.advance(1_000);
    assert_eq!(office.set(visitor, 80).await.1, set, "the same again changes nothing");
    assert_eq!(office.entries().await, 1);
    for _ in 0..2 {
        assert_eq!(office.ask("clear_close_rate", visitor, |_| {}).await.0, 204);
    }
    assert_eq!(office.customer(visitor).await["close_rate"], model);
}

#[tokio::test]
async fn a_closed_customer_is_at_100_percent_until_the_deal_is_taken_back() {
    let office = Fixture::new().await;
    let visitor = office.world.visitor;
    office.set(visitor, 20).await;
    let (status, deal) = office.close(visitor, "key-of-a-deal").await;
    assert_eq!((status, &deal["closed_on"]), (201, &json!("2026-11-20")));
    assert_eq!(office.close(visitor, "key-of-a-deal").await, (201, deal.clone()));
    let page = office.customer(visitor).await;
    let rate = &page["close_rate"];
    assert_eq!((&rate["basis_points"], &rate["source"], &rate["band"]), (&json!(10_000), &json!("deal"), &Value::Null));
    assert_eq!((&page["deals"], &rate["manual"]["basis_points"]), (&json!([deal]), &json!(2_000)));
    assert_eq!((office.closed().await, office.set(visitor, 30).await.1["source"].as_str()), ([1, 1], Some("deal")));
    assert_eq!((office.delete_deal(visitor, &deal).await, office.delete_deal(visitor, &deal).await), (204, 204));
    assert_eq!((office.closed().await, office.customer(visitor).await["deals"].clone()), ([0, 0], json!([])));
    assert_eq!(office.customer(visitor).await["close_rate"]["basis_points"], 3_000);
    assert_eq!(office.entries().await, 4, "two rates, a deal, and its end");
}

#[tokio::test]
async fn there_is_an_end_to_deals_but_not_to_retries() {
    let office = Fixture::new().await;
    let visitor = office.world.visitor;
    for n in 0..100 {
        assert_eq!(office.close(visitor, &format!("key-of-{n:03}")).await.0, 201);
    }
    let (status, problem) = office.close(visitor, "key-of-one-more").await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("deal_limit")));
    assert_eq!(office.close(visitor, "key-of-000").await.0, 201, "a retry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_rates_at_once_one_is_in_force() {
    let office = Arc::new(Fixture::new().await);
    let visitor = office.world.visitor;
    let sets = (1..=20).map(|n| {
        let office = Arc::clone(&office);
        tokio::spawn(async move { office.set(visitor, n * 5).await })
    });
    for set in sets.collect::<Vec<_>>() {
        let (status, body) = set.await.unwrap();
        assert_eq!((status, body["manual"]["basis_points"].as_u64().unwrap() % 500), (200, 0));
    }
    let shown = office.customer(visitor).await["close_rate"]["basis_points"].as_u64().unwrap();
    assert!(shown % 500 == 0 && (500..=10_000).contains(&shown));
    assert_eq!(office.entries().await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_deals_at_once_are_twenty_deals_of_one_closed_customer_during_their_visit() {
    let office = Arc::new(Fixture::new().await);
    let visitor = office.world.visitor;
    let visits = (10..20).map(|number| {
        let office = Arc::clone(&office);
        tokio::spawn(async move { office.visit(visitor, number).await })
    });
    // Each twice: a retry that overtakes its first request.
    let deals = (0..40).map(|n| {
        let office = Arc::clone(&office);
        tokio::spawn(async move { office.close(visitor, &format!("key-of-{:02}", n / 2)).await })
    });
    let (visits, deals): (Vec<_>, Vec<_>) = (visits.collect(), deals.collect());
    let mut made = Vec::new();
    for deal in deals {
        let (status, body) = deal.await.unwrap();
        assert_eq!(status, 201, "{body}");
        made.push(body);
    }
    for visit in visits {
        visit.await.unwrap();
    }
    assert!(made.chunks(2).all(|twice| twice[0] == twice[1]));
    let page = office.customer(visitor).await;
    assert_eq!((page["deals"].as_array().unwrap().len(), office.closed().await), (20, [1, 1]));
    assert_eq!(page["cards"][0]["opened"], 11, "no visit is lost");
    let back = made.chunks(2).map(|twice| {
        let (office, deal) = (Arc::clone(&office), twice[0].clone());
        tokio::spawn(async move { office.delete_deal(visitor, &deal).await })
    });
    for back in back.collect::<Vec<_>>() {
        assert_eq!(back.await.unwrap(), 204);
    }
    assert_eq!(office.closed().await, [0, 0]);
}

#[tokio::test]
async fn merged_customers_are_one_closed_customer_and_two_again() {
    let office = Fixture::new().await;
    let (world, a, b) = (&office.world, office.world.visitor, office.world.fresh_person());
    office.visit(b, 2).await;
    let first = office.close(a, "key-of-first").await.1;
    // Ids of one moment are in no order.
    world.clock.advance(1);
    let second = office.close(b, "key-of-second").await.1;
    assert_eq!(office.closed().await, [2, 2]);
    let merge = world.merge(a, b, MergeReason::Phone).await.unwrap();
    assert_eq!(office.closed().await, [1, 1]);
    for person in [a, b] {
        assert_eq!(office.customer(person).await["deals"], json!([second, first]));
    }
    office.set(a, 10).await;
    office.set(b, 20).await;
    assert_eq!(office.customer(a).await["close_rate"]["manual"]["basis_points"], 2_000);
    assert_eq!(office.ask("clear_close_rate", a, |_| {}).await.0, 204);
    assert_eq!(office.customer(b).await["close_rate"]["manual"], Value::Null, "of both");
    // Under either identity: it is one person's deal.
    assert_eq!((office.delete_deal(a, &second).await, office.closed().await), (204, [1, 1]));
    let read = world.store.merge(world.company, merge).await.unwrap();
    let plan = read.undo(&world.known(a, b).await.unwrap()).unwrap();
    let undone = Undone { at: world.clock.now(), by: world.staff["boss"].member };
    let after = Merge { undone: Some(undone), ..read };
    let left = world.store.apply_merge(world.company, &after, &plan, Some(&world.entry())).await.unwrap();
    assert!(left.is_empty());
    assert_eq!(office.closed().await, [1, 1], "only one of them has a deal left");
    assert_eq!(office.customer(b).await["close_rate"]["source"], "model");
}

#[tokio::test]
async fn a_recount_leaves_alone_what_the_log_does_not_know() {
    let office = Fixture::new().await;
    let (world, visitor) = (&office.world, office.world.visitor);
    office.set(visitor, 70).await;
    office.close(visitor, "key-of-a-deal").await;
    let before = office.customer(visitor).await;
    let command = json!({ "company_id": world.company.id(), "dry_run": false });
    let until = world.clock.now().plus_millis(900_000);
    let report = recounter(world).run(command, until, "r").await.unwrap();
    assert_eq!((&report["drift"], &report["customers"]), (&json!({}), &json!(0)));
    assert_eq!((office.customer(visitor).await, office.closed().await), (before, [1, 1]));
}
