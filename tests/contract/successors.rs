//! The card of a member who has left, on DynamoDB Local: it shows that and leads to the successor.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use domain::company::audit::AuditFilter;
use serde_json::{Value, json};
use testkit::world::World;

use crate::functions::Functions;
use crate::http::send;

async fn put(world: &World, organization: &Router, name: &str, what: &str, body: Value) -> (u16, Value) {
    let path = format!("/v1/members/{}/{what}", world.staff[name].member);
    send(organization, ("PUT", &path), (Some(&world.token("boss")), None), Some(body)).await
}

async fn status(world: &World, functions: &Functions, name: &str, status: &str) {
    let body = json!({"status": status});
    assert_eq!(put(world, functions.router("organization"), name, "status", body).await.0, 200);
}

/// `owner_active` and `successor` of the card, equal in each of the three places that show them.
async fn shown(world: &World, functions: &Functions, name: &str) -> (bool, Value) {
    let (card, visitor) = (world.card(name), world.token("visitor"));
    let get = async |path: String| {
        let (status, body) = send(functions.router("card"), ("GET", &path), (Some(&visitor), None), None).await;
        assert_eq!(status, 200, "{body}");
        (body["owner_active"].as_bool().unwrap(), body["successor"].clone())
    };
    let view = get(format!("/v1/cards/{card}")).await;
    if name == "lin" {
        assert_eq!(get(format!("/v1/share-codes/{}", world.share_code.as_str())).await, view);
    }
    view
}

#[tokio::test]
async fn a_card_shows_that_its_owner_has_left_and_leads_to_the_successor_until_they_are_back() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let organization = functions.router("organization");
    let chen = json!({"member_id": world.staff["chen"].member});
    assert_eq!(shown(&world, &functions, "lin").await, (true, Value::Null));
    assert_eq!(put(&world, organization, "lin", "successor", chen.clone()).await.1["code"], "member_active");
    status(&world, &functions, "lin", "disabled").await;
    assert_eq!(shown(&world, &functions, "lin").await, (false, Value::Null));
    let (code, named) = put(&world, organization, "lin", "successor", chen.clone()).await;
    assert_eq!((code, &named["successor_id"]), (200, &chen["member_id"]), "{named}");
    let log = world.store.audit_log(world.company, &AuditFilter::default(), None, 100).await.unwrap().items.len();
    assert_eq!(put(&world, organization, "lin", "successor", chen.clone()).await, (200, named));
    assert_eq!(
        world.store.audit_log(world.company, &AuditFilter::default(), None, 100).await.unwrap().items.len(),
        log,
        "nothing was changed"
    );
    let successor = json!({"card_id": world.card("chen"), "name": "chen"});
    assert_eq!(shown(&world, &functions, "lin").await, (false, successor.clone()));
    status(&world, &functions, "lin", "left").await;
    assert_eq!(
        shown(&world, &functions, "lin").await,
        (false, successor.clone()),
        "left instead of disabled: the same"
    );
    // The successor leaves too: only the direct successor is shown, whose card leads on.
    status(&world, &functions, "chen", "left").await;
    assert_eq!(shown(&world, &functions, "lin").await, (false, successor));
    assert_eq!(shown(&world, &functions, "chen").await, (false, Value::Null));
    status(&world, &functions, "lin", "active").await;
    assert_eq!(shown(&world, &functions, "lin").await, (true, Value::Null));
    status(&world, &functions, "lin", "left").await;
    assert_eq!(shown(&world, &functions, "lin").await, (false, Value::Null), "their return has cleared it");
}

#[tokio::test]
async fn the_successor_must_be_there_and_have_a_card() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let organization = functions.router("organization");
    status(&world, &functions, "lin", "left").await;
    status(&world, &functions, "wang", "disabled").await;
    let refused = async |member: String| {
        let (status, body) = put(&world, organization, "lin", "successor", json!({"member_id": member})).await;
        (status, body["errors"][0]["pointer"].clone(), body["errors"][0]["code"].clone())
    };
    let id = |name: &str| world.staff[name].member.to_string();
    for (member, code) in [
        (id("wang"), "not_allowed"),
        (id("boss"), "not_allowed"),
        (id("lin"), "not_allowed"),
        ("mem_00000000000000000000000000".to_owned(), "unknown_member"),
    ] {
        assert_eq!(refused(member).await, (422, json!("/member_id"), json!(code)));
    }
    let chen = json!({"member_id": world.staff["chen"].member});
    assert_eq!(put(&world, organization, "lin", "successor", chen).await.0, 200);
    let (_, nobody) = put(&world, organization, "lin", "successor", json!({"member_id": null})).await;
    assert_eq!(nobody["successor_id"], Value::Null);
    assert_eq!(shown(&world, &functions, "lin").await, (false, Value::Null));
}

#[tokio::test]
async fn an_admin_still_edits_the_card_and_the_view_stays_one_read_unit() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    status(&world, &functions, "lin", "left").await;
    let chen = json!({"member_id": world.staff["chen"].member});
    put(&world, functions.router("organization"), "lin", "successor", chen).await;
    let path = format!("/v1/cards/{}/identity", world.card("lin"));
    let body = json!({"version": 1, "name": "林晓", "position": "", "company": "云杉茶业"});
    let (status, edited) =
        send(functions.router("card"), ("PUT", &path), (Some(&world.token("boss")), None), Some(body)).await;
    assert_eq!((status, &edited["owner_active"], &edited["successor"]["name"]), (200, &json!(false), &json!("chen")));
    let all = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let stored = all.iter().find(|item| item.get("id") == Some(&AttributeValue::S(world.card("lin").to_string())));
    assert!(stored.unwrap().contains_key("owner_gone"));
    let units = crate::cards::view_units(&world, &world.card("lin").to_string()).await;
    assert!(units <= 1.0, "{units}");
}
