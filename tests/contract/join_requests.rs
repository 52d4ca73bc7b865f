//! Joining with a review on DynamoDB Local: one decision, one seat.

use std::sync::Arc;

use axum::Router;
use domain::company::quota::Quota;
use domain::kernel::timestamp::DAY_MS;
use serde_json::{Value, json};
use store::QuotaName;
use testkit::world::World;

use crate::functions::organization;
use crate::http::{invite, join, log_in, members, seat_balance, send};

const REVIEWED: &str = r#"{"uses": 3, "role": "staff", "review": true}"#;

async fn start() -> (Arc<World>, Router, Value) {
    let world = Arc::new(World::new().await);
    let router = organization(&world, "sms").await;
    let link = invite(&world, &router, "reviewed-link", serde_json::from_str(REVIEWED).unwrap()).await;
    (world, router, link)
}

async fn decide(world: &World, router: &Router, request: &Value, decision: &str) -> (u16, Value) {
    let path = format!("/v1/join-requests/{}", request["id"].as_str().unwrap());
    let body = json!({"decision": decision});
    send(router, ("PUT", &path), (Some(&world.token("boss")), None), Some(body)).await
}

/// The join request of a person, as their session shows it.
async fn ask(world: &World, router: &Router, openid: &str, link: &Value) -> Value {
    let (status, session) = join(world, router, openid, link).await;
    assert_eq!((status, &session["kind"]), (201, &json!("visitor")), "{session}");
    assert!(!session["join_request"].to_string().contains(openid), "an openid is never shown");
    session["join_request"].clone()
}

#[tokio::test]
async fn an_approved_person_is_a_member_at_their_next_login() {
    let (world, router, link) = start().await;
    let request = ask(&world, &router, "asker", &link).await;
    assert_eq!(request["state"], "pending");
    assert_eq!(seat_balance(&world).await, Quota { available: 3, reserved: 3, used: 4 });
    assert_eq!(ask(&world, &router, "asker", &link).await, request, "asking again uses nothing");
    assert_eq!(seat_balance(&world).await, Quota { available: 3, reserved: 3, used: 4 });
    let (status, approved) = decide(&world, &router, &request, "approve").await;
    assert_eq!((status, &approved["state"], &approved["name"]), (200, &json!("approved"), &json!("asker")));
    assert!(!approved.to_string().contains("openid"));
    assert_eq!(decide(&world, &router, &request, "approve").await, (200, approved.clone()));
    assert_eq!(decide(&world, &router, &request, "reject").await.1["code"], "join_request_decided");
    let session = log_in(&world, &router, "asker").await;
    assert_eq!(
        (&session["member"]["id"], &session["join_request"]["state"]),
        (&approved["member_id"], &json!("approved"))
    );
    assert!(session["member"]["card_id"].is_string());
    assert_eq!(seat_balance(&world).await, Quota { available: 3, reserved: 2, used: 5 });
}

#[tokio::test]
async fn a_rejected_person_asks_again_by_another_invitation_only() {
    let (world, router, link) = start().await;
    let request = ask(&world, &router, "asker", &link).await;
    let (status, rejected) = decide(&world, &router, &request, "reject").await;
    assert_eq!((status, &rejected["member_id"]), (200, &Value::Null));
    assert_eq!(seat_balance(&world).await, Quota { available: 4, reserved: 2, used: 4 });
    assert_eq!(log_in(&world, &router, "asker").await["join_request"]["state"], "rejected");
    assert_eq!(ask(&world, &router, "asker", &link).await["state"], "rejected");
    let other = invite(&world, &router, "another-link", serde_json::from_str(REVIEWED).unwrap()).await;
    let again = ask(&world, &router, "asker", &other).await;
    assert_eq!(again["state"], "pending");
    assert_ne!(again["id"], request["id"]);
    assert_eq!(decide(&world, &router, &again, "approve").await.0, 200);
    assert_eq!(seat_balance(&world).await.used, 5);
}

#[tokio::test]
async fn a_request_nobody_decides_expires_and_can_be_made_again() {
    let (world, router, link) = start().await;
    world.clock.advance(DAY_MS);
    let request = ask(&world, &router, "asker", &link).await;
    world.clock.advance(7 * DAY_MS);
    for decision in ["approve", "reject"] {
        assert_eq!(decide(&world, &router, &request, decision).await.1["code"], "join_request_expired");
    }
    assert_eq!(world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap(), 3);
    assert_eq!(seat_balance(&world).await, Quota { available: 6, reserved: 0, used: 4 });
    assert_eq!(join(&world, &router, "asker", &link).await.1["code"], "invitation_expired");
    let new_id = invite(&world, &router, "a-fresh-link", serde_json::from_str(REVIEWED).unwrap()).await;
    assert_eq!(ask(&world, &router, "asker", &new_id).await["state"], "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_decisions_one_counts() {
    let (world, router, link) = start().await;
    for round in 0..3 {
        let request = ask(&world, &router, &format!("asker-{round}"), &link).await;
        let before = seat_balance(&world).await;
        let tasks = (0..12).map(|n| {
            let (world, router, request) = (Arc::clone(&world), router.clone(), request.clone());
            let decision = if n % 2 == 0 { "approve" } else { "reject" };
            tokio::spawn(async move { (decision, decide(&world, &router, &request, decision).await) })
        });
        let mut accepted = std::collections::BTreeSet::new();
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                (decision, (200, _)) => drop(accepted.insert(decision)),
                (_, (409, body)) => assert_eq!(body["code"], "join_request_decided"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(accepted.len(), 1, "round {round}");
        let used = i64::from(accepted.contains("approve"));
        let after = seat_balance(&world).await;
        assert_eq!((after.reserved, after.used), (before.reserved - 1, before.used + used));
    }
}

#[tokio::test]
async fn a_person_who_became_a_member_in_another_way_is_not_made_one_twice() {
    let (world, router, link) = start().await;
    let request = ask(&world, &router, "asker", &link).await;
    let boss = world.token("boss");
    let new = json!({"name": "周岚"});
    let (_, added) = send(&router, ("POST", "/v1/members"), (Some(&boss), Some("key-of-zhou")), Some(new)).await;
    let body = json!({"appid": world.appid.as_str(), "code": "asker", "claim_code": added["claim_code"]});
    assert_eq!(send(&router, ("POST", "/v1/sessions"), (None, None), Some(body)).await.1["kind"], "member");
    let (status, refused) = decide(&world, &router, &request, "approve").await;
    assert_eq!((status, &refused["code"]), (409, &json!("already_member")));
    assert_eq!(decide(&world, &router, &request, "reject").await.0, 200);
    assert_eq!(members(&world).await.len(), 5);
    assert_eq!(seat_balance(&world).await, Quota { available: 3, reserved: 2, used: 5 });
}

#[tokio::test]
async fn requests_are_found_by_state() {
    let (world, router, link) = start().await;
    let first = ask(&world, &router, "first", &link).await;
    world.clock.advance(1);
    let second = ask(&world, &router, "second", &link).await;
    decide(&world, &router, &first, "reject").await;
    let found = async |query: &str| {
        let (_, page) =
            send(&router, ("GET", &format!("/v1/join-requests{query}")), (Some(&world.token("boss")), None), None)
                .await;
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, [second["id"].clone(), first["id"].clone()]);
    assert_eq!(found("?state=pending").await, [second["id"].clone()]);
    assert_eq!(found("?state=rejected").await, [first["id"].clone()]);
    world.clock.advance(7 * DAY_MS);
    assert_eq!(found("?state=expired").await, [second["id"].clone()]);
}
