//! Over every route: what a member may do whose login by WeChat is older than five minutes, and the list
//! of the API document.

use std::collections::BTreeSet;

use domain::people::session::FRESH_LOGIN_MS;
use serde_json::{Value, json};
use testkit::events::{all, call, caller, http_functions, load, method, prepared, row};
use testkit::world::World;

use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;
use crate::rights::table;

/// Whether the operation of a file asks for a fresh login.
fn asks(function: &str, case: &str) -> bool {
    let sample = case.split('.').next().unwrap();
    row(function, sample).and_then(|row| row.access).is_some_and(|access| access.starts_with("fresh_"))
}

/// The successful requests of members: function, file, caller.
fn requests() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for function in http_functions() {
        for case in all(&function) {
            let succeeds = row(&function, &case).is_some_and(|row| row.status < 300);
            let member = caller(&function, &case).filter(|caller| !["visitor", "anonymous"].contains(&caller.as_str()));
            if let (true, Some(member)) = (succeeds, member) {
                found.push((function.clone(), case, member));
            }
        }
    }
    found
}

#[tokio::test]
async fn exactly_the_operations_of_these_classes_ask_for_a_login_of_the_last_five_minutes() {
    let mut refused = 0;
    for (function, case, member) in requests() {
        let (world, row) = (World::new().await, row(&function, &case).unwrap());
        let functions = Functions::on(&world).await;
        if row.visited {
            let aggregator = crate::aggregator::aggregator(&world, KeptDeadLetters::default());
            let visit = serde_json::from_str(&load("radar-aggregator", "stats", &world)).unwrap();
            radar_aggregator::handle(&aggregator, visit, "r").await;
        }
        let payload = prepared(&case, &world, &|name| functions.router(name).clone()).await;
        let send = async |ago_ms: i64| {
            let mut payload: Value = serde_json::from_str(&payload).unwrap();
            let token = world.token_of_login(&member, ago_ms);
            payload["headers"]["authorization"] = json!(format!("Bearer {token}"));
            let (status, body) = call(functions.router(&function), &payload.to_string()).await;
            (status, body["code"].as_str().unwrap_or_default().to_owned())
        };
        if asks(&function, &case) {
            let before = table(&world).await;
            assert_eq!(send(FRESH_LOGIN_MS + 1_000).await, (403, "fresh_login_required".to_owned()), "{case}");
            assert!(table(&world).await == before, "{case} has written");
            assert_eq!(send(FRESH_LOGIN_MS).await.0, row.status, "{case}");
            refused += 1;
        } else {
            assert_eq!(send(24 * 3_600_000).await.0, row.status, "{case}");
        }
    }
    assert!(refused >= 5, "{refused} ask for a fresh login");
}

#[test]
fn the_api_document_lists_the_operations_that_ask_for_a_fresh_login() {
    let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
    let about = document["info"]["description"].as_str().unwrap();
    let (_, list) = about.split_once("`fresh_login_required`").unwrap();
    let listed: BTreeSet<_> = list.lines().filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`')).collect();
    let mut wanted = BTreeSet::new();
    for function in http_functions() {
        for case in all(&function).into_iter().filter(|case| !case.contains('.') && asks(&function, case)) {
            let path = document["paths"].as_object().unwrap().iter().find_map(|(path, item)| {
                let verb = method(&function, &case).to_lowercase();
                (item[&verb]["operationId"] == case.as_str()).then(|| format!("{} {path}", verb.to_uppercase()))
            });
            wanted.insert(path.unwrap());
        }
    }
    assert_eq!(listed, wanted.iter().map(String::as_str).collect());
}
