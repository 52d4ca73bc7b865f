//! New claim codes on DynamoDB Local: one is valid, and the seat is held for it.

use axum::Router;
use domain::company::quota::Quota;
use domain::kernel::timestamp::DAY_MS;
use serde_json::{Value, json};
use store::QuotaName;
use testkit::world::World;

use crate::functions::organization;
use crate::http::{invite, seat_balance, send};

async fn start() -> (World, Router, Value) {
    let world = World::new().await;
    let router = organization(&world, "sms").await;
    let (status, added) = post(&world, &router, "/v1/members", "key-of-zhou", json!({"name": "周岚"})).await;
    assert_eq!(status, 201, "{added}");
    (world, router, added)
}

async fn post(world: &World, router: &Router, path: &str, key: &str, body: Value) -> (u16, Value) {
    send(router, ("POST", path), (Some(&world.token("boss")), Some(key)), Some(body)).await
}

async fn issue(world: &World, router: &Router, added: &Value, key: &str) -> (u16, Value) {
    let path = format!("/v1/members/{}/claim-codes", added["member"]["id"].as_str().unwrap());
    post(world, router, &path, key, json!({})).await
}

async fn claim(world: &World, router: &Router, openid: &str, of: &Value) -> Value {
    let body = json!({"appid": world.appid.as_str(), "code": openid, "claim_code": of["claim_code"]});
    send(router, ("POST", "/v1/sessions"), (None, None), Some(body)).await.1
}

#[tokio::test]
async fn only_the_newest_code_counts_and_a_retry_shows_the_same() {
    let (world, router, first) = start().await;
    world.clock.advance(DAY_MS);
    let (status, second) = issue(&world, &router, &first, "key-of-second").await;
    assert_eq!(status, 201, "{second}");
    assert_ne!(
        (&second["claim_code"], &second["claim_expires_at"]),
        (&first["claim_code"], &first["claim_expires_at"])
    );
    let (_, third) = issue(&world, &router, &first, "key-of-third").await;
    assert_eq!(issue(&world, &router, &first, "key-of-second").await, (201, second.clone()));
    assert_eq!(seat_balance(&world).await, Quota { available: 5, reserved: 1, used: 4 });
    for dead in [&first, &second] {
        assert_eq!(claim(&world, &router, "zhou", dead).await["code"], "claim_code_invalid");
    }
    // The hold was renewed with the code: the first one has expired.
    world.clock.advance(6 * DAY_MS + 1);
    world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap();
    assert_eq!(claim(&world, &router, "zhou", &third).await["member"]["id"], first["member"]["id"]);
    assert_eq!(seat_balance(&world).await, Quota { available: 5, reserved: 0, used: 5 });
    assert_eq!(issue(&world, &router, &first, "key-of-fourth").await.1["code"], "already_member");
}

#[tokio::test]
async fn an_expired_invitation_gets_its_seat_back_if_one_is_left() {
    let (world, router, first) = start().await;
    world.clock.advance(7 * DAY_MS);
    assert_eq!(world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap(), 1);
    let all = invite(&world, &router, "link-for-six", json!({"uses": 6, "role": "staff", "expires_in_hours": 1})).await;
    assert_eq!(issue(&world, &router, &first, "key-too-early").await.1["code"], "seats_exhausted");
    assert_eq!(all["invitation"]["uses"], 6);
    world.clock.advance(3_600_000);
    let (status, second) = issue(&world, &router, &first, "key-of-second").await;
    assert_eq!(status, 201, "{second}");
    assert_eq!(seat_balance(&world).await, Quota { available: 5, reserved: 1, used: 4 });
    assert_eq!(claim(&world, &router, "zhou", &second).await["kind"], "member");
    assert_eq!(issue(&world, &router, &first, "key-of-second").await, (201, second), "a late retry too");
}

#[tokio::test]
async fn an_expired_invitation_that_was_not_swept_keeps_its_seat() {
    let (world, router, first) = start().await;
    world.clock.advance(8 * DAY_MS);
    assert_eq!(issue(&world, &router, &first, "key-of-second").await.0, 201);
    assert_eq!(world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap(), 0);
    assert_eq!(seat_balance(&world).await, Quota { available: 5, reserved: 1, used: 4 });
}

#[tokio::test]
async fn a_withdrawn_member_gets_no_code() {
    let (world, router, first) = start().await;
    let path = format!("/v1/members/{}/status", first["member"]["id"].as_str().unwrap());
    let boss = world.token("boss");
    send(&router, ("PUT", &path), (Some(&boss), None), Some(json!({"status": "left"}))).await;
    assert_eq!(issue(&world, &router, &first, "key-of-second").await.1["code"], "member_inactive");
    let staff = world.token("lin");
    let path = format!("/v1/members/{}/claim-codes", first["member"]["id"].as_str().unwrap());
    assert_eq!(send(&router, ("POST", &path), (Some(&staff), Some("key-of-staff")), Some(json!({}))).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_new_codes_one_counts() {
    let (world, router, first) = start().await;
    let (a, b, c) = tokio::join!(
        issue(&world, &router, &first, "key-a-of-it"),
        issue(&world, &router, &first, "key-b-of-it"),
        issue(&world, &router, &first, "key-c-of-it"),
    );
    let mut joined = 0;
    for (n, (status, body)) in [a, b, c].into_iter().enumerate() {
        assert!(status == 201 || body["code"] == "version_conflict", "{body}");
        if status == 201 && claim(&world, &router, &format!("zhou-{n}"), &body).await["kind"] == "member" {
            joined += 1;
        }
    }
    assert_eq!(joined, 1);
    assert_eq!(seat_balance(&world).await, Quota { available: 5, reserved: 0, used: 5 });
}
