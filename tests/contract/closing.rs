//! Open sockets of members whose rights change: closed at once, and before anything is sent.

use domain::kernel::mobile::Mobile;
use domain::people::activation::{ActivationStep, RadarEntry};
use serde_json::{Value, json};
use testkit::world::World;

use crate::functions::Functions;
use crate::http::send;
use crate::rights::{Change, change};
use crate::screens::{TestLive, batch, connect, deliver, deliver_texts, device, device_of, function, on_socket};

/// The messages of the live radar's queue.
async fn queued(functions: &Functions) -> Vec<String> {
    let (sqs, _) = &functions.queue;
    let received = sqs.receive_message().queue_url(&functions.live_queue).max_number_of_messages(10).send().await;
    received.unwrap().messages.unwrap_or_default().into_iter().filter_map(|message| message.body).collect()
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
        // The message that closes it is late.
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
        let (boss, url) = (world.token("boss"), format!("/v1/members/{}{path}", world.staff["lin"].member));
        let (status, answer) = send(functions.router("organization"), (method, &url), (Some(&boss), None), body).await;
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        assert_eq!(deliver_texts(&live, &queued(&functions).await, 1).await, 0);
        assert!(live.sockets.is_closed("a"), "{method} {path}");
        assert_closed(&world, &live, "a").await;
    }
}

#[tokio::test]
async fn a_message_to_close_leaves_sockets_with_the_rights_of_now_open() {
    let world = World::new().await;
    let live = function(&world);
    connect(&world, &live, "a").await;
    for member in ["lin", "boss"] {
        let close = json!({"v": 1, "close": {"company": world.company.id(), "member": world.staff[member].member}});
        assert_eq!(deliver_texts(&live, &[close.to_string()], 1).await, 0);
    }
    assert!(!live.sockets.is_closed("a"));
    let newer = json!({"v": 2, "close": {"company": world.company.id(), "member": world.staff["lin"].member}});
    assert_eq!(deliver_texts(&live, &[newer.to_string()], 1).await, 0);
    assert_eq!(*live.dead.0.lock().unwrap(), [("m0".to_owned(), "unknown_version")]);
}

#[tokio::test]
async fn a_queue_that_takes_nothing_does_not_fail_the_request() {
    let world = World::new().await;
    let queue = testkit::emulators::queue().await;
    let functions = Functions::sending_to(&world, queue.clone(), format!("{}-absent", queue.1)).await;
    let path = format!("/v1/members/{}/role", world.staff["lin"].member);
    let (boss, body) = (world.token("boss"), Some(json!({"role": "admin"})));
    let (status, answer) = send(functions.router("organization"), ("PUT", &path), (Some(&boss), None), body).await;
    assert_eq!(status, 200, "{answer}");
}
