//! A key of a creating request stands for its caller and its path: below another resource it is
//! another request; with the members of its body in another order it is the same request.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::kernel::id::{CardId, CompanyId, Id, MemberId, PersonId};
use serde_json::{Value, json};
use store::QuotaName;
use testkit::events::{call, function_of, load, prepared};
use testkit::world::World;

use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;

/// The event with another path.
fn at(event: &Value, path: &str) -> Value {
    let mut event = event.clone();
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event
}

/// The path with a new id of the same kind in place of each id; a path without ids stays the same.
fn elsewhere(world: &World, path: &str) -> String {
    let uuid = world.ids.uuid(world.clock.now()).unwrap();
    let new_id = |part: &str| {
        let kinds = [
            CompanyId::from_uuid(uuid).to_string(),
            CardId::from_uuid(uuid).to_string(),
            MemberId::from_uuid(uuid).to_string(),
            PersonId::from_uuid(uuid).to_string(),
        ];
        let same = kinds.into_iter().find(|kind| kind.len() == part.len() && kind[..4] == part[..4]);
        same.unwrap_or_else(|| part.to_owned())
    };
    path.split('/').map(new_id).collect::<Vec<_>>().join("/")
}

/// The body with the members of its object in reverse order.
fn turned(body: &str) -> String {
    let Ok(Value::Object(members)) = serde_json::from_str(body) else { return body.to_owned() };
    let members: Vec<_> = members.iter().rev().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!("{{{}}}", members.join(", "))
}

/// The operations that take a key, by the API document.
fn keyed_operations() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
    let paths = document["paths"].as_object().into_iter().flatten().flat_map(|(_, path)| path.as_object());
    let takes_key = |operation: &&Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.filter_map(|one| one["name"].as_str()).any(|name| name.eq_ignore_ascii_case("idempotency-key"))
    };
    let keyed = paths.flat_map(|path| path.values()).filter(takes_key);
    keyed.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_keyed_route_is_replayed_for_its_path_only() {
    let mut below = BTreeSet::new();
    for case in keyed_operations() {
        let world = World::new().await;
        let functions = Functions::on(&world).await;
        let aggregator = crate::aggregator::aggregator(&world, KeptDeadLetters::default());
        let visit = serde_json::from_str(&load("radar-aggregator", "stats", &world)).unwrap();
        radar_aggregator::handle(&aggregator, visit, "r").await;
        let payload = prepared(&case, &world, &|name| functions.router(name).clone()).await;
        let event: Value = serde_json::from_str(&payload).unwrap();
        assert!(event["headers"]["idempotency-key"].is_string(), "{case}: its event file has no key");
        let ask = async |event: &Value| call(functions.router(&function_of(&case)), &event.to_string()).await;
        let first = ask(&event).await;
        assert!([201, 202].contains(&first.0), "{case}: only what has succeeded is replayed: {}", first.1);
        let mut again = event.clone();
        again["body"] = turned(event["body"].as_str().unwrap_or_default()).into();
        assert_eq!(ask(&again).await, first, "{case}: the same request in another order");
        let path = event["rawPath"].as_str().unwrap();
        let other = elsewhere(&world, path);
        if other != path {
            let (status, body) = ask(&at(&event, &other)).await;
            assert_eq!(status, 404, "{case}: {body} of a thing that does not exist");
            below.insert(case);
        }
    }
    let of_a_thing = [
        "add_seats",
        "claim_customer",
        "create_boss",
        "create_claim_code",
        "create_deal",
        "create_follow_up",
        "create_radar_code",
    ];
    assert_eq!(below, of_a_thing.map(str::to_owned).into(), "operations below an id");
}

#[tokio::test]
async fn one_key_adds_seats_to_two_companies() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let ask = async |event: Value| call(functions.router("organization"), &event.to_string()).await;
    let load = |case| serde_json::from_str::<Value>(&load("organization", case, &world)).unwrap();
    let (status, created) = ask(load("create_company")).await;
    assert_eq!(status, 201, "{created}");
    let second: CompanyId = created["company"]["id"].as_str().unwrap().parse().unwrap();
    let seats = async |company| {
        let quota = world.store.quota(company, QuotaName::Seats).await.unwrap();
        quota.available + quota.reserved + quota.used
    };
    let (a, b) = (world.company, Company::granted(second));
    let before = (seats(a).await, seats(b).await);
    let event = load("add_seats");
    let path = event["rawPath"].as_str().unwrap().replace(&a.id().to_string(), &second.to_string());
    for _ in 0..2 {
        assert_eq!(ask(event.clone()).await.0, 201);
        assert_eq!(ask(at(&event, &path)).await.0, 201);
    }
    assert_eq!((seats(a).await, seats(b).await), (before.0 + 5, before.1 + 5), "each once");
}
