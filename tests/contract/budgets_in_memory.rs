//! Budgets in the memory of a process, at the routes that take from them.

#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use domain::kernel::budget::BudgetName;
use mingpian_tests::functions::Functions;
use serde_json::{Value, json};
use testkit::events::{call, load};
use testkit::world::World;

/// Sends a payload until it is refused; returns how often it was answered, and the budget.
async fn until_refused(router: &axum::Router, payload: &str, at_most: u64) -> (u64, String) {
    for sent in 0..=at_most {
        let (status, body) = call(router, payload).await;
        if status == 429 {
            return (sent, body["budget"].as_str().unwrap_or_default().to_owned());
        }
    }
    panic!("{at_most} requests were answered");
}

pub(crate) fn capacity(budget: BudgetName) -> u64 {
    budget.budget().rates[0].capacity
}

/// The payload from another address.
pub(crate) fn from_address(payload: &str, address: &str) -> String {
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    payload["requestContext"]["http"]["sourceIp"] = address.into();
    payload.to_string()
}

#[tokio::test]
async fn a_person_may_send_so_many_requests_and_others_are_not_concerned() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    // A refusal that needs no call of AWS.
    let payload = load("card", "list_my_phrases.unknown_book", &world);
    let refused = until_refused(functions.router("card"), &payload, 1_001).await;
    assert_eq!(refused, (capacity(BudgetName::Requests), "requests".to_owned()));
    let (status, body) = call(functions.router("card"), &load("card", "get_my_greeting", &world)).await;
    assert_eq!(status, 429, "every route counts: {body}");
    let (status, body) = call(functions.router("card"), &load("card", "get_card", &world)).await;
    assert_eq!(status, 200, "another person: {body}");
    world.clock.advance(50);
    assert_eq!(until_refused(functions.router("card"), &payload, 2).await.0, 1);
}

#[tokio::test]
async fn an_address_may_log_in_so_often_and_other_addresses_are_not_concerned() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let router = functions.router("organization");
    let payload = load("organization", "create_session.unknown_app", &world);
    let refused = until_refused(router, &payload, 401).await;
    assert_eq!(refused, (capacity(BudgetName::Sessions), "sessions".to_owned()));
    assert_eq!(call(router, &from_address(&payload, "203.0.113.9")).await.0, 404);
    let (status, _) = call(router, &load("organization", "create_anonymous_session", &world)).await;
    assert_eq!(status, 201, "another budget");
}

#[tokio::test]
async fn an_address_and_a_company_may_start_so_many_anonymous_sessions() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let router = functions.router("organization");
    let payload = load("organization", "create_anonymous_session", &world);
    let (per_address, of_company) =
        (capacity(BudgetName::AnonymousSessions), capacity(BudgetName::CompanyAnonymousSessions));
    let mut begun = 0;
    for n in 0.. {
        let payload = from_address(&payload, &format!("2001:db8:0:{n:x}::1"));
        let (sent, budget) = until_refused(router, &payload, per_address + 1).await;
        begun += sent;
        if budget == "company_anonymous_sessions" {
            break;
        }
        assert_eq!((sent, budget.as_str()), (per_address, "anonymous_sessions"));
    }
    assert_eq!(begun, of_company);
}

/// A batch of a hundred events of somebody; whether the card exists is asked later.
fn of_hundred_events(file: &str, token: &str, world: &World) -> String {
    let mut payload: Value = serde_json::from_str(file).unwrap();
    let mut body: Value = serde_json::from_str(payload["body"].as_str().unwrap()).unwrap();
    let mut event = body["events"][0].clone();
    event["card_id"] = json!(world.ids.new_id::<domain::kernel::id::CardId>(world.clock.now()).unwrap());
    body["events"] = vec![event; 100].into();
    payload["body"] = body.to_string().into();
    payload["headers"]["authorization"] = format!("Bearer {token}").into();
    payload.to_string()
}

#[tokio::test]
async fn a_person_an_address_and_a_company_may_record_so_many_events() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let router = functions.router("tracking");
    let file = load("tracking", "record_events.anonymous", &world);
    let batch = |token: &str, address: &str| of_hundred_events(&from_address(&file, address), token, &world);
    let visitor = || {
        let signed = world.keys.signer.sign(world.company, world.fresh_person(), None, world.clock.now());
        signed.unwrap()
    };
    let person = batch(&visitor(), "203.0.113.1");
    let refused = until_refused(router, &person, 11).await;
    assert_eq!(refused, (capacity(BudgetName::Events) / 100, "events".to_owned()));
    let (of_address, of_company) = (capacity(BudgetName::AddressEvents), capacity(BudgetName::CompanyEvents));
    for _ in refused.0..of_address.min(of_company) / 100 {
        assert_eq!(call(router, &batch(&visitor(), "203.0.113.1")).await.0, 202);
    }
    for (address, budget) in [("203.0.113.1", "address_events"), ("203.0.113.2", "company_events")] {
        let (status, body) = call(router, &batch(&visitor(), address)).await;
        assert_eq!((status, body["budget"].as_str()), (429, Some(budget)), "{body}");
    }
}

#[tokio::test]
async fn made_up_people_of_many_addresses_leave_half_to_those_who_have_logged_in() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let router = functions.router("tracking");
    let batch = |token: &str, nth: u64| {
        let file = from_address(&load("tracking", "record_events.anonymous", &world), &format!("203.0.{nth}.1"));
        of_hundred_events(&file, token, &world)
    };
    let of_anonymous = capacity(BudgetName::CompanyAnonymousEvents) / 100;
    for nth in 0..of_anonymous {
        assert_eq!(call(router, &batch(&world.anonymous_token(), nth)).await.0, 202);
    }
    let (status, body) = call(router, &batch(&world.anonymous_token(), of_anonymous)).await;
    assert_eq!((status, body["budget"].as_str()), (429, Some("company_anonymous_events")), "{body}");
    let (status, body) = call(router, &batch(&world.token("visitor"), of_anonymous)).await;
    assert_eq!(status, 202, "who has logged in: {body}");
}
