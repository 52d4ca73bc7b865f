//! Who is a customer, on DynamoDB Local: counters, funnel, lists, sharers and the customer's page agree,
//! while people join the company and leave it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::close_rate::model::Model;
use domain::crm::merge::MergeReason;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::SECOND_MS;
use domain::people::member::{Ended, Role, SeatChange};
use domain::radar::recount::RecountReport;
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::EventKind;
use serde_json::{Value, json};
use store::{ClaimRequest, MemberChange};
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, no_stop, recounter};

/// A batch of one event on `lin`'s card.
async fn act(world: &World, person: PersonId, number: u64, kind: EventKind) {
    let whole = batch(world, 0, number, &[0]);
    let event = domain::tracking::event::Event {
        kind,
        duration_ms: (kind == EventKind::Dwell).then_some(1_000),
        ..whole.events[0].clone()
    };
    let batch = AcceptedBatch { person, events: vec![event], ..whole };
    let aggregator = aggregator(world, KeptDeadLetters::default());
    let response = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
    assert!(response.batch_item_failures.is_empty());
}

async fn asked(world: &World, functions: &Functions, file: &str) -> Value {
    // The boss sees each card, whoever owns it.
    let payload = load("radar", file, world).replace(&world.token("lin"), &world.token("boss"));
    let (status, body) = call(functions.router("radar"), &payload).await;
    assert_eq!(status, 200, "{file}: {body}");
    body
}

fn ids(list: &Value) -> BTreeSet<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["person_id"].as_str().unwrap().to_owned()).collect()
}

/// The customers by every number and list of them, of the company and of `lin`'s card.
async fn customers(world: &World, functions: &Functions) -> BTreeSet<String> {
    let mut all = Vec::new();
    for of in ["company", "card"] {
        let funnel = asked(world, functions, &format!("get_{of}_funnel")).await;
        let list = asked(world, functions, &format!("get_{of}_customers")).await;
        let bands: i64 =
            funnel["bands"].as_array().unwrap().iter().map(|band| band["customers"].as_i64().unwrap()).sum();
        let number = funnel["customers"].as_i64().unwrap();
        assert_eq!(bands + funnel["closed"].as_i64().unwrap(), number, "{funnel}");
        assert_eq!((&list["total"], &list["known"]), (&json!(number), &json!(number)), "{list}");
        all.push(ids(&list));
    }
    assert_eq!(all[0], all[1], "all have visited this card only");
    all.remove(0)
}

async fn join(world: &World, openid: &str) {
    let new = world.member("joining", Role::Staff);
    let request = world.request("joining");
    world.store.add_member(world.company, new.clone(), &world.entry(), &request).await.unwrap();
    let (person, openid) = (world.sign_in(openid).await, OpenId::parse(openid).unwrap());
    let hash = &new.claim_hash;
    let claiming = ClaimRequest { person, openid: &openid, unionid: None, hash, now: world.clock.now() };
    world.store.claim_membership(world.company, claiming).await.unwrap();
}

async fn leave(world: &World, name: &str) {
    let read = world.store.member(world.company, world.staff[name].member).await.unwrap();
    let change = MemberChange { read: &read, audit: &world.entry() };
    world.store.set_member_ended(world.company, change, Some(Ended::Left), SeatChange::GiveBack).await.unwrap();
}

#[tokio::test]
async fn members_are_no_customers_and_everybody_else_of_whom_something_counts_is() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let housekeeping = housekeeping(&world, 60).await;
    let run = async || {
        world.clock.advance(300 * SECOND_MS);
        housekeeping.run(no_stop(), "r").await.unwrap();
    };
    let lin = world.staff["lin"].person;
    let people = [EventKind::Call, EventKind::OpenChat, EventKind::Unlike, EventKind::Dwell, EventKind::Forward];
    let mut visitors = BTreeSet::new();
    for (n, kind) in (1..).zip(people) {
        let person = world.fresh_person();
        act(&world, person, n, kind).await;
        visitors.insert(person.to_string());
    }
    // The owner passes their own card on; a member to be has visited it.
    act(&world, lin, 10, EventKind::Forward).await;
    let joining = world.sign_in("joining").await.id;
    act(&world, joining, 11, EventKind::ViewCard).await;
    run().await;
    let with = |person: PersonId| visitors.iter().cloned().chain([person.to_string()]).collect::<BTreeSet<_>>();
    assert_eq!(customers(&world, &functions).await, with(joining), "all but the owner");
    // The owner stands among the sharers, marked, and not in their profile.
    let sharers = asked(&world, &functions, "get_card_sharers").await;
    let items = sharers["items"].as_array().unwrap();
    let owner = items.iter().find(|item| item["person_id"] == lin.to_string()).unwrap();
    assert_eq!((&owner["name"], &owner["role"]), (&json!("lin"), &json!("staff")));
    assert_eq!(items.iter().filter(|item| item["role"].is_null()).count(), 1);
    let profile = asked(&world, &functions, "get_card_sharer_profile").await;
    assert_eq!((&profile["sharers"], &profile["forwards"], &profile["profiled"]), (&json!(1), &json!(1), &json!(1)));
    let page = load("radar", "get_company_customer", &world).replace(&world.visitor.to_string(), &lin.to_string());
    let (_, page) = call(functions.router("radar"), &page).await;
    assert_eq!((&page["staff"], page["close_rate"]["receipt"].as_array().unwrap().len()), (&json!(true), 1), "{page}");

    // They join, and later leave.
    join(&world, "joining").await;
    run().await;
    assert_eq!(customers(&world, &functions).await, visitors);
    leave(&world, "lin").await;
    run().await;
    assert_eq!(customers(&world, &functions).await, with(lin));
    let command = json!({ "company_id": world.company.id() });
    let stop_at = world.clock.now().plus_millis(900 * SECOND_MS);
    let report: RecountReport =
        serde_json::from_value(recounter(&world).run(command, stop_at, "r").await.unwrap()).unwrap();
    assert_eq!((report.wrong(), report.unchecked()), (0, 0), "{report:?}");
}

/// Puts a model of the company's own in force, of the same coefficients: everybody is above 99 %.
async fn own_model(world: &World) {
    world.store.await_retrain(world.company, world.clock.now()).await.unwrap();
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let mut item = items.into_iter().find(|item| item["type"].as_s().unwrap() == "close_rate_model").unwrap();
    let mut model = serde_json::to_value(Model::default()).unwrap();
    model["i"] = json!(9_000);
    item.insert("model".to_owned(), AttributeValue::S(model.to_string()));
    world.dynamodb.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
}

/// The sharers are people: a member is none by any identity, and two identities of a visitor are one.
#[tokio::test]
async fn the_profile_of_sharers_is_of_people_by_the_model_in_force() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let housekeeping = housekeeping(&world, 60).await;
    let (second, visitor, again) = (world.fresh_person(), world.fresh_person(), world.fresh_person());
    for (n, person) in (1..).zip([world.staff["lin"].person, second, visitor, again, world.fresh_person()]) {
        act(&world, person, n, EventKind::Forward).await;
    }
    world.clock.advance(300 * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    let profile = async || {
        let profile = asked(&world, &functions, "get_card_sharer_profile").await;
        assert_eq!(profile["sharers"], profile["profiled"], "{profile}");
        let bands: Vec<_> = profile["bands"].as_array().unwrap().iter().map(|band| band["people"].clone()).collect();
        (profile["sharers"].as_i64().unwrap(), profile["forwards"].as_i64().unwrap(), bands)
    };
    assert_eq!(profile().await, (4, 4, vec![json!(4), json!(0), json!(0), json!(0)]), "all but the owner");
    world.merge(world.staff["lin"].person, second, MergeReason::Login).await.unwrap();
    world.merge(visitor, again, MergeReason::Login).await.unwrap();
    assert_eq!(profile().await, (2, 3, vec![json!(2), json!(0), json!(0), json!(0)]));
    own_model(&world).await;
    assert_eq!(profile().await, (2, 3, vec![json!(0), json!(0), json!(0), json!(2)]));
}
