//! Who may do what to whom, over every route of the API document that changes a member or a card:
//! columns for an admin on a boss, on another admin, on staff and on themselves, and for a boss.

use std::collections::BTreeSet;

use axum::Router;
use serde_json::{Value, json};
use testkit::world::World;

use crate::functions::Functions;
use crate::http::{add_seats, send};
use crate::rights::{Change, change, table};

/// A route, its body, and the status for an admin and for a boss, each on a boss, an admin, staff and
/// themselves.
type AuthorityRow = (&'static str, &'static str, &'static str, [u16; 4], [u16; 4]);

const CONTACT: &str = r#"{"version": 1, "phones": [], "wechat_id": "", "email": "", "address": "", "introduction": "好茶",
    "tags": [], "style": "classic", "share_phrase": "", "welcome_text": ""}"#;
const IDENTITY: &str = r#"{"version": 1, "name": "新名", "position": "", "company": "云杉茶业"}"#;
/// What a card shows is content: admins write it for everybody.
const CONTENT: [u16; 4] = [200; 4];
/// The member is as little ready for it as the others, who are told so.
const NOT_READY: [u16; 4] = [409; 4];
/// They have another session than this.
const NO_SESSION: [u16; 4] = [404; 4];
/// Nobody has visited the card.
const NO_CUSTOMER: [u16; 4] = [404; 4];

const ROUTES: &[AuthorityRow] = &[
    ("PUT", "/v1/members/{member_id}", r#"{"name": "新名", "position": ""}"#, [403, 403, 200, 200], [200; 4]),
    ("PUT", "/v1/members/{member_id}/status", r#"{"status": "left"}"#, [403, 403, 200, 403], [200, 200, 200, 403]),
    ("PUT", "/v1/members/{member_id}/role", r#"{"role": "boss"}"#, [403; 4], [200, 200, 200, 403]),
    ("PUT", "/v1/members/{member_id}/department", r#"{"department_id": null}"#, [403, 403, 200, 200], [200; 4]),
    ("PUT", "/v1/members/{member_id}/successor", r#"{"member_id": null}"#, [403, 403, 409, 403], NOT_READY),
    ("POST", "/v1/members/{member_id}/claim-codes", "{}", [403, 403, 409, 403], NOT_READY),
    ("PUT", "/v1/members/{member_id}/radar", r#"{"phone": "13800000001"}"#, [403, 403, 200, 403], [200; 4]),
    ("POST", "/v1/members/{member_id}/radar/codes", "{}", [403, 403, 409, 403], NOT_READY),
    ("DELETE", "/v1/members/{member_id}/radar", "", [403, 403, 200, 403], [200; 4]),
    ("DELETE", "/v1/members/{member_id}/sessions", "", [403, 403, 204, 403], [204; 4]),
    ("DELETE", "/v1/members/{member_id}/sessions/{session_id}", "", [403, 403, 404, 403], NO_SESSION),
    ("PUT", "/v1/cards/{card_id}/identity", IDENTITY, [403, 403, 200, 200], [200; 4]),
    ("PUT", "/v1/cards/{card_id}", CONTACT, CONTENT, CONTENT),
    ("PUT", "/v1/cards/{card_id}/avatar", r#"{"version": 1, "upload_id": null}"#, CONTENT, CONTENT),
    ("PUT", "/v1/cards/{card_id}/photos", r#"{"version": 1, "upload_ids": []}"#, CONTENT, CONTENT),
    ("PUT", "/v1/cards/{card_id}/video", r#"{"version": 1, "upload_id": null}"#, CONTENT, CONTENT),
    ("PUT", "/v1/cards/{card_id}/customers/{person_id}/close-rate", r#"{"percent": 50}"#, NO_CUSTOMER, NO_CUSTOMER),
    ("DELETE", "/v1/cards/{card_id}/customers/{person_id}/close-rate", "", NO_CUSTOMER, NO_CUSTOMER),
    (
        "POST",
        "/v1/cards/{card_id}/customers/{person_id}/deals",
        r#"{"closed_on": "2026-11-21"}"#,
        NO_CUSTOMER,
        NO_CUSTOMER,
    ),
    ("DELETE", "/v1/cards/{card_id}/customers/{person_id}/deals/{deal_id}", "", NO_CUSTOMER, NO_CUSTOMER),
];

/// The columns: on a boss, an admin, staff, and on themselves, by an admin and by a boss.
const BY_ADMIN: [&str; 4] = ["boss", "chen", "wang", "lin"];
const BY_BOSS: [&str; 4] = ["chen", "lin", "wang", "boss"];

/// A world in which `lin` is an admin, `chen` an admin or, for the boss, another boss, and everybody
/// has a card.
async fn world_for(by: &str) -> (World, Functions) {
    let mut world = World::new().await;
    let functions = Functions::on(&world).await;
    add_seats(&world, 5).await;
    let body = json!({"member_id": world.staff["boss"].member});
    let (boss, router) = (world.token("boss"), functions.router("card"));
    let (status, card) = send(router, ("POST", "/v1/cards"), (Some(&boss), Some("card-of-boss")), Some(body)).await;
    assert_eq!(status, 201, "{card}");
    world.staff.get_mut("boss").unwrap().card = Some(card["id"].as_str().unwrap().parse().unwrap());
    change(&world, "lin", Change::Promoted).await;
    change(&world, "chen", if by == "boss" { Change::Crowned } else { Change::Promoted }).await;
    (world, functions)
}

fn router<'a>(functions: &'a Functions, path: &str) -> &'a Router {
    let is_crm = path.contains("/customers/");
    functions.router(if path.starts_with("/v1/members") {
        "organization"
    } else if is_crm {
        "crm"
    } else {
        "card"
    })
}

async fn ask(world: &World, functions: &Functions, row: &AuthorityRow, by: &str, on: &str) -> u16 {
    let (method, path, body, ..) = *row;
    let staff = world.staff[on];
    let filled = path
        .replace("{member_id}", &staff.member.to_string())
        .replace("{card_id}", &staff.card.unwrap().to_string())
        .replace("{person_id}", &world.visitor.to_string())
        .replace("{deal_id}", "del_06fc0h52g1s0u9c3vr4mq8d2b4")
        .replace("{session_id}", "ses_06fc0h52g1s0u9c3vr4mq8d2b4");
    let body: Option<Value> = (!body.is_empty()).then(|| serde_json::from_str(body).unwrap());
    let token = world.token_of_now(by).await;
    send(router(functions, path), (method, &filled), (Some(&token), Some("key-of-the-row")), body).await.0
}

#[tokio::test]
async fn every_route_that_changes_a_member_or_a_card_follows_the_table() {
    for row in ROUTES {
        for (by, on, expected) in [("lin", BY_ADMIN, row.3), ("boss", BY_BOSS, row.4)] {
            let mut found = [0; 4];
            for (column, on) in on.into_iter().enumerate() {
                let (world, functions) = world_for(by).await;
                let before = table(&world).await;
                found[column] = ask(&world, &functions, row, by, on).await;
                let refused = found[column] >= 400;
                assert!(!refused || table(&world).await == before, "{} {} by {by} on {on} has written", row.0, row.1);
            }
            assert_eq!(found, expected, "{} {} by {by}", row.0, row.1);
        }
    }
}

#[test]
fn no_route_that_changes_a_member_or_a_card_is_left_out() {
    let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    // Who collaborates on a customer is decided by who owns the customer, not by the table.
    let paths = paths.filter(|(path, _)| !path.starts_with("/v1/customers/"));
    let about = paths.filter(|(path, _)| path.contains("{member_id}") || path.contains("{card_id}"));
    let changes = about.flat_map(|(path, item)| {
        let methods =
            item.as_object().unwrap().keys().filter(|method| ["put", "post", "delete"].contains(&method.as_str()));
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let rows: BTreeSet<String> = ROUTES.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    assert_eq!(rows, changes.collect());
}
