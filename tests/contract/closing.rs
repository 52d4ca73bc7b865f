//! Open sockets of members whose rights change: closed at once, and before anything is sent.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::kernel::mobile::Mobile;
use domain::people::activation::{ActivationStep, RadarEntry};
use serde_json::{Value, json};
use store::Store;
use testkit::world::World;

use crate::functions::Functions;
use crate::http::send;
use crate::rights::{Change, change, table};
use crate::screens::{TestLive, batch, call, connect, deliver, device, device_of, function, on_socket};

/// The stored member, as the table has them.
async fn stored(world: &World, name: &str) -> Value {
    let id = AttributeValue::S(world.staff[name].member.to_string());
    let found = table(world).await.into_iter().find(|item| item.get("id") == Some(&id)).unwrap();
    serde_json::to_value(serde_dynamo::Item::from(found)).unwrap()
}

/// A call of the table's stream: a member before and after a change.
async fn streamed(live: &TestLive, before: &Value, after: &Value) -> Vec<Value> {
    let images = json!({"SequenceNumber": "7", "Keys": {}, "OldImage": before, "NewImage": after});
    let record = json!({"eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": images});
    call(live, json!({ "Records": [record] })).await["batchItemFailures"].as_array().unwrap().clone()
}

/// Asserts that a socket is closed, off the card, and has got nothing.
async fn assert_closed(world: &World, live: &TestLive, socket: &str) {
    assert!(live.sockets.is_closed(socket), "{socket} is open");
    assert_eq!(live.sockets.take(socket), Vec::<Value>::new());
    let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
    assert!(state.sockets.keys().all(|open| open.as_str() != socket), "{socket} is on the card");
}

/// Has lin's radar on, in the table too.
async fn join_radar(world: &World) {
    let mut before = world.store.activation(world.company, world.staff["lin"].member).await.unwrap();
    for step in [
        ActivationStep::Grant(Mobile::parse("13800138000").unwrap(), None),
        ActivationStep::Join(RadarEntry::CompanyQr),
    ] {
        let after = before.after(step, world.clock.now()).unwrap();
        world.store.change_activation(world.company, &after, &[], world.clock.now()).await.unwrap();
        before = after;
    }
}

#[tokio::test]
async fn no_event_reaches_a_socket_whose_member_was_disabled_removed_or_given_another_role() {
    for how in [Change::Disabled, Change::Removed, Change::Promoted] {
        let world = World::new().await;
        let live = function(&world);
        device(&world, &live, "a").await;
        change(&world, "lin", how).await;
        // The table's stream is late.
        assert_eq!(deliver(&live, &[&batch(&world, 1, 1)], 1).await, 0);
        assert_closed(&world, &live, "a").await;
    }
}

#[tokio::test]
async fn a_socket_of_before_is_closed_and_one_with_the_rights_of_now_goes_on() {
    let world = World::new().await;
    let live = function(&world);
    device(&world, &live, "old").await;
    change(&world, "lin", Change::Promoted).await;
    let member = world.store.member(world.company, world.staff["lin"].member).await.unwrap();
    device_of(&world, &live, "new", &member).await;
    assert_eq!(deliver(&live, &[&batch(&world, 1, 1)], 1).await, 0);
    assert_closed(&world, &live, "old").await;
    assert_eq!(live.sockets.take("new").len(), 1);
}

#[tokio::test]
async fn neither_a_handshake_nor_a_frame_of_before_gets_in_or_catches_up() {
    let world = World::new().await;
    let live = function(&world);
    device(&world, &live, "a").await;
    deliver(&live, &[&batch(&world, 1, 1)], 1).await;
    live.sockets.take("a");
    change(&world, "lin", Change::Disabled).await;
    assert_eq!(on_socket(&world, &live, "b", "CONNECT", None).await, 401);
    let resume = json!({"action": "resume", "last_seq": 1});
    assert_eq!(on_socket(&world, &live, "a", "MESSAGE", Some(resume)).await, 200);
    assert_closed(&world, &live, "a").await;
    let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
    assert!(state.sockets.is_empty(), "neither is on the card");
}

#[tokio::test]
async fn each_change_of_rights_over_http_closes_the_open_sockets_at_once() {
    let role = ("PUT", "/role", Some(json!({"role": "admin"})));
    let disabled = ("PUT", "/status", Some(json!({"status": "disabled"})));
    for (method, path, body) in [role, disabled, ("DELETE", "/radar", None), ("DELETE", "/sessions", None)] {
        let world = World::new().await;
        let (functions, live) = (Functions::on(&world).await, function(&world));
        join_radar(&world).await;
        device(&world, &live, "a").await;
        let before = stored(&world, "lin").await;
        let (boss, url) = (world.token("boss"), format!("/v1/members/{}{path}", world.staff["lin"].member));
        let (status, answer) = send(functions.router("organization"), (method, &url), (Some(&boss), None), body).await;
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        assert!(streamed(&live, &before, &stored(&world, "lin").await).await.is_empty());
        assert!(live.sockets.is_closed("a"), "{method} {path}");
        assert_closed(&world, &live, "a").await;
    }
}

#[tokio::test]
async fn a_change_that_is_no_change_of_rights_leaves_sockets_open() {
    let world = World::new().await;
    let live = function(&world);
    connect(&world, &live, "a").await;
    let (lin, boss) = (stored(&world, "lin").await, stored(&world, "boss").await);
    for (before, after) in [(&lin, &lin), (&boss, &boss)] {
        assert!(streamed(&live, before, after).await.is_empty());
    }
    assert!(!live.sockets.is_closed("a"));
}

#[tokio::test]
async fn a_late_change_closes_no_socket_with_the_rights_of_now() {
    let world = World::new().await;
    let live = function(&world);
    let before = stored(&world, "lin").await;
    change(&world, "lin", Change::Promoted).await;
    let after = stored(&world, "lin").await;
    let member = world.store.member(world.company, world.staff["lin"].member).await.unwrap();
    device_of(&world, &live, "new", &member).await;
    assert!(streamed(&live, &before, &after).await.is_empty());
    assert!(!live.sockets.is_closed("new"));
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_passed_and_one_that_fails_comes_again() {
    let world = World::new().await;
    let live = function(&world);
    device(&world, &live, "a").await;
    let before = stored(&world, "lin").await;
    change(&world, "lin", Change::Disabled).await;
    let after = stored(&world, "lin").await;
    let mut broken = after.clone();
    broken.as_object_mut().unwrap().remove("role");
    assert!(streamed(&live, &before, &broken).await.is_empty());
    assert!(!live.sockets.is_closed("a"));
    let gone = TestLive { store: Store::new(world.dynamodb.clone(), "absent".to_owned()), ..function(&world) };
    assert_eq!(streamed(&gone, &before, &after).await, [json!({"itemIdentifier": "7"})]);
    assert!(streamed(&live, &before, &after).await.is_empty());
    assert_closed(&world, &live, "a").await;
}
