//! Visitors pause the recording and have erased what is kept of them.

use std::collections::BTreeSet;

use domain::crm::erasure::Erasure;
use domain::crm::merge::MergeReason;
use domain::kernel::day::{Day, Window};
use domain::kernel::id::PersonId;
use domain::kernel::mobile::Mobile;
use domain::kernel::text::OpenId;
use domain::radar::counter::Scope;
use domain::radar::metrics::Metrics;
use serde_json::{Value, json};
use testkit::world::World;

use crate::functions::{Functions, housekeeping, limits};
use crate::http::{log_in, send};
use crate::merges::visit;

const OPENID: &str = "oTHE_one_WHO_wants_to_be_forgotten";
const NAME: &str = "王被忘记";
const NUMBER: &str = "+8613812345678";
const NOTE: &str = "她说名字是王被忘记";

/// A customer of lin of whom everything is kept that can be, with an identity of before their login.
async fn known_customer(world: &World, functions: &Functions) -> (PersonId, String) {
    let session = log_in(world, functions.router("organization"), OPENID).await;
    let person: PersonId = session["person_id"].as_str().unwrap().parse().unwrap();
    let before = world.fresh_person();
    visit(world, before, &[3, 4]).await;
    visit(world, person, &[0, 1]).await;
    world.merge(person, before, MergeReason::Login).await.unwrap();
    let number = Mobile::parse(NUMBER).unwrap();
    let claim = world.store.phone_claim(world.company, person, &number).await.unwrap();
    world.store.hold_phone(world.company, &claim, world.clock.now()).await.unwrap();
    for identity in [person, before] {
        for (method, path, body) in writes(identity) {
            let (lin, key) = (world.token("lin"), format!("key{}", path.replace('/', "-")));
            let key = (method == "POST").then_some(key.as_str());
            let (status, answer) = send(functions.router("crm"), (method, &path), (Some(&lin), key), Some(body)).await;
            assert!((200..300).contains(&status), "{path}: {status} {answer}");
        }
    }
    (person, session["token"].as_str().unwrap().to_owned())
}

/// What members write about a customer.
fn writes(person: PersonId) -> Vec<(&'static str, String, Value)> {
    let path = |rest: &str| format!("/v1/customers/{person}/{rest}");
    let follow_up = json!({"kind": "call", "note": NOTE, "next_at": "2026-11-25T12:00:00+08:00"});
    vec![
        ("PUT", path("profile"), json!({"name": NAME, "mobile": NUMBER, "remark": NOTE})),
        ("POST", path("follow-ups"), follow_up),
        ("PUT", path("expected-close"), json!({"amount_fen": 100})),
    ]
}

/// Asks to be erased, and runs housekeeping; returns the status of the answer.
async fn erase(world: &World, functions: &Functions, (token, code): (&str, &str)) -> u16 {
    let wish = json!({"code": code});
    let path = ("POST", "/v1/my/data/erasure");
    let (status, _) = send(functions.router("organization"), path, (Some(token), None), Some(wish)).await;
    // The account is forgotten at once, the rest by housekeeping.
    assert!(status != 202 || items_with(world, &[OPENID]).await.is_empty());
    world.clock.advance(1);
    let swept = housekeeping(world, 0).await.finish_erasures(&limits(world, 10)).await;
    assert_eq!((swept.done, swept.failed), (usize::from(status == 202), 0));
    status
}

async fn numbers(world: &World) -> Vec<Metrics> {
    let today = Day::of(world.clock.now());
    let counted = world.store.counters(world.company, Scope::Company, today.plus(-400)).await.unwrap();
    Window::ALL.iter().map(|window| counted.metrics(*window, today)).collect()
}

/// The items of the table that hold one of these texts.
async fn items_with(world: &World, texts: &[&str]) -> Vec<String> {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let shown = items.iter().map(|item| format!("{item:?}"));
    shown.filter(|item| texts.iter().any(|text| item.contains(text))).collect()
}

#[tokio::test]
async fn nothing_leads_to_a_person_any_more_and_every_number_stays() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let (person, token) = known_customer(&world, &functions).await;
    let (before, identifiers) = (numbers(&world).await, [OPENID, NAME, NUMBER, "13812345678", NOTE]);
    assert!(items_with(&world, &identifiers).await.len() >= 6);
    assert_eq!(erase(&world, &functions, (&token, OPENID)).await, 202);
    assert_eq!(items_with(&world, &identifiers).await, [""; 0]);
    assert_eq!(numbers(&world).await, before);
    // Nothing can be kept of them again.
    for (method, path, body) in writes(person) {
        let lin = world.token("lin");
        let key = (method == "POST").then_some("another-key");
        let (status, answer) = send(functions.router("crm"), (method, &path), (Some(&lin), key), Some(body)).await;
        assert_eq!((status, &answer["code"]), (409, &json!("customer_erased")), "{path}");
    }
    // Who logs in again is somebody new.
    let again = log_in(&world, functions.router("organization"), OPENID).await;
    assert_ne!(again["person_id"], json!(person.to_string()));
}

#[tokio::test]
async fn an_erasure_is_of_all_identities_and_done_once() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let (person, _) = known_customer(&world, &functions).await;
    let identities: BTreeSet<_> = world.store.identities_of(world.company, person, None).await.unwrap();
    assert_eq!(identities.len(), 2);
    let erasure = Erasure { identities, at: world.clock.now() };
    let account = (&OpenId::parse(OPENID).unwrap(), person);
    world.store.begin_erasure(world.company, account, &erasure).await.unwrap();
    // As often as somebody finishes it, it is finished.
    for _ in 0..2 {
        let no_exports = |_| async { Ok(()) };
        world.store.finish_erasure(world.company, (person, &erasure), no_exports).await.unwrap();
    }
    assert_eq!(items_with(&world, &[OPENID, NAME, NUMBER, NOTE]).await, [""; 0]);
    let swept = housekeeping(&world, 0).await.finish_erasures(&limits(&world, 10)).await;
    assert_eq!((swept.done, swept.failed), (0, 0));
}

#[tokio::test]
async fn nobody_erases_another_person_or_a_member() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let (_, token) = known_customer(&world, &functions).await;
    log_in(&world, functions.router("organization"), "somebody_else").await;
    assert_eq!(erase(&world, &functions, (&token, "somebody_else")).await, 401);
    assert_eq!(erase(&world, &functions, (&token, "nobody_yet")).await, 401);
    assert_eq!(erase(&world, &functions, (&world.token("lin"), "lin")).await, 409);
    assert!(items_with(&world, &[NAME]).await.len() >= 2);
}

#[tokio::test]
async fn of_a_visitor_who_has_paused_nothing_is_recorded() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let organization = functions.router("organization");
    let tracking = functions.router("tracking");
    let batch = |token: String| {
        let event = json!({"kind": "view_card", "card_id": world.card("lin"), "at": world.clock.now()});
        let id = world.ids.uuid(world.clock.now()).unwrap();
        let body = json!({"batch_id": id, "events": [event]});
        async move { send(tracking, ("POST", "/v1/events"), (Some(&token), None), Some(body)).await }
    };
    for paused in [true, false] {
        let session = log_in(&world, organization, OPENID).await;
        let wish = json!({"code": OPENID, "paused": paused});
        let token = session["token"].as_str();
        let (status, state) = send(organization, ("PUT", "/v1/my/tracking"), (token, None), Some(wish)).await;
        assert_eq!((status, &state["paused"]), (200, &json!(paused)), "{state}");
        let next = log_in(&world, organization, OPENID).await;
        assert_eq!(next["paused"], json!(paused));
        for token in [&state["token"], &next["token"]] {
            let (status, answer) = batch(token.as_str().unwrap().to_owned()).await;
            let accepted = if paused { 0 } else { 1 };
            assert_eq!((status, &answer["accepted"], &answer["paused"]), (202, &json!(accepted), &json!(paused)));
        }
    }
}
