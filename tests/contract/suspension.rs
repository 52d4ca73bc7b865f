//! Companies that the platform operator suspends: over every route that a member writes by, at once for
//! a process that has not asked lately, and after a minute for one that has.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::kernel::failure::Failure;
use runtime::retry::{Retry, Timer};
use serde_json::json;
use store::Store;
use testkit::events::{call, load};
use testkit::world::World;

use crate::functions::{Functions, organization};
use crate::http::{log_in, send};
use crate::rights::table;
use crate::rights_of_routes::requests;
use crate::screens::{TestLive, batch, connect, deliver, function, on_socket};

/// A clock that the test moves.
#[derive(Default)]
struct HandTimer(AtomicU64);

impl Timer for HandTimer {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Acquire))
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// Sets the company's status as the operator does.
async fn set_status(world: &World, status: &str) {
    let payload = load("organization", "update_company_status", world).replace("active", status);
    let (answered, body) = call(&organization(world, "sms").await, &payload).await;
    assert_eq!((answered, &body["status"]), (200, &json!(status)), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_member_of_a_suspended_company_writes_by_any_route() {
    for request in requests().into_iter().filter(|request| !request.is_read) {
        let world = World::new().await;
        let payload = request.prepare(&world, &Functions::on(&world).await).await;
        set_status(&world, "suspended").await;
        let before = table(&world).await;
        let (status, code) = request.send(&Functions::on(&world).await, &payload).await;
        // What changes nothing sends no transaction.
        let refused = (status, code.as_str()) == (403, "company_suspended");
        let is_none = ["preview_handover", "update_member_department"].contains(&request.case.as_str());
        assert!(refused || is_none, "{request:?}: {status} {code}");
        assert!(table(&world).await == before, "{request:?} has written");
    }
}

#[tokio::test]
async fn a_process_that_has_asked_believes_it_for_a_minute() {
    let (world, timer) = (World::new().await, Arc::new(HandTimer::default()));
    let retry = Retry::new(world.ids.clone(), Arc::<HandTimer>::clone(&timer));
    let store = Store::with_retry(world.dynamodb.clone(), world.table.clone(), retry);
    let boss = world.acting("boss");
    let add = async |name: &str| {
        let new = world.member(name, domain::people::member::Role::Staff);
        store.add_member(boss, new, &world.entry(), &world.request(name)).await.map(drop)
    };
    add("before").await.unwrap();
    set_status(&world, "suspended").await;
    timer.0.store(59_999, Ordering::Release);
    add("within the minute").await.unwrap();
    timer.0.store(60_000, Ordering::Release);
    assert_eq!(add("after it").await, Err(Failure::CompanySuspended));
    set_status(&world, "active").await;
    timer.0.store(119_999, Ordering::Release);
    assert_eq!(add("still").await, Err(Failure::CompanySuspended));
    timer.0.store(120_000, Ordering::Release);
    add("again").await.unwrap();
}

#[tokio::test]
async fn nobody_logs_in_to_a_suspended_company_and_no_session_goes_on() {
    let world = World::new().await;
    let router = organization(&world, "sms").await;
    let log_in_as = async |name: &str| {
        let body = json!({"appid": world.appid.as_str(), "code": name});
        send(&router, ("POST", "/v1/sessions"), (None, None), Some(body)).await
    };
    let session = log_in(&world, &router, "lin").await;
    set_status(&world, "suspended").await;
    let body = json!({"refresh_token": session["refresh_token"]});
    let refresh = async || send(&router, ("POST", "/v1/sessions/refresh"), (None, None), Some(body.clone())).await;
    for (status, problem) in [log_in_as("lin").await, log_in_as("visitor").await, refresh().await] {
        assert_eq!((status, &problem["code"]), (403, &json!("company_suspended")), "{problem}");
    }
    set_status(&world, "active").await;
    assert_eq!(refresh().await.0, 200);
    assert_eq!(log_in_as("lin").await.0, 201);
}

/// The live radar in a process that does not remember the company, or whose minute is over.
fn not_asked_lately(world: &World) -> TestLive {
    TestLive { store: Store::new(world.dynamodb.clone(), world.table.clone()), ..function(world) }
}

#[tokio::test]
async fn no_event_reaches_a_socket_of_a_suspended_company() {
    let world = World::new().await;
    connect(&world, &function(&world), "a").await;
    set_status(&world, "suspended").await;
    let live = not_asked_lately(&world);
    assert_eq!(deliver(&live, &[&batch(&world, 1, 1)], 1).await, 0);
    assert!(live.sockets.is_closed("a") && live.sockets.take("a").is_empty());
}

#[tokio::test]
async fn no_socket_of_a_suspended_company_opens_or_is_answered() {
    let world = World::new().await;
    connect(&world, &function(&world), "a").await;
    set_status(&world, "suspended").await;
    let live = not_asked_lately(&world);
    assert_eq!(on_socket(&world, &live, "b", "CONNECT", None).await, 403);
    assert_eq!(on_socket(&world, &live, "a", "MESSAGE", Some(json!({"action": "resume", "last_seq": 1}))).await, 200);
    assert!(live.sockets.is_closed("a") && live.sockets.take("a").is_empty());
}

#[tokio::test]
async fn visitors_of_a_suspended_company_cost_it_nothing_and_read_its_cards() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    set_status(&world, "suspended").await;
    let ask = async |function: &str, case: &str| call(functions.router(function), &load(function, case, &world)).await;
    let (status, body) = ask("organization", "grant_my_phone").await;
    assert_eq!((status, &body["code"]), (403, &json!("company_suspended")), "{body}");
    for (function, case, expected) in [
        ("organization", "create_anonymous_session", 201),
        ("card", "get_card", 200),
        ("tracking", "record_events.anonymous", 202),
    ] {
        let (status, body) = ask(function, case).await;
        assert_eq!(status, expected, "{case}: {body}");
    }
}

#[tokio::test]
async fn a_suspension_is_in_the_audit_log_once() {
    let world = World::new().await;
    for status in ["suspended", "suspended", "active"] {
        // Entries of one moment are in no order.
        world.clock.advance(1);
        set_status(&world, status).await;
    }
    let boss = world.token("boss");
    let log = ("GET", "/v1/audit-log?action=company_status&actor=operator");
    let (_, page) = send(&organization(&world, "sms").await, log, (Some(&boss), None), None).await;
    let changes: Vec<_> = page["items"].as_array().unwrap().iter().map(|line| (&line["from"], &line["to"])).collect();
    // The latest first.
    assert_eq!(changes, [(&json!("suspended"), &json!("active")), (&json!("active"), &json!("suspended"))]);
}
