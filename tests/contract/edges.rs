//! The edges of every route of the API document: an id has one spelling, methods that a path does not have are
//! refused, every answer carries the headers that all carry, and a cursor is ours and the caller's or nothing.

use std::collections::BTreeMap;

use axum::Router;
use domain::company::Company;
use domain::kernel::id::{CompanyId, Id};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use serde_json::Value;
use testkit::events::{call, load, prepared, respond, row};
use testkit::world::World;
use uuid::Uuid;

use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;

/// What may stand behind an id, as it arrives: decoded or not.
const TAILS: [&str; 34] = [
    "\0",
    " ",
    "\n",
    "\r",
    "\t",
    "\u{7f}",
    "\u{a0}",
    "\u{feff}",
    "\u{200b}",
    "é",
    "中",
    "#x",
    "?x=1",
    "??",
    ";a=1",
    ",",
    "+",
    "=",
    "*",
    "\\",
    "\\vcard",
    "\"",
    "%00",
    "%20",
    "%0a",
    "%23x",
    "%3Fx",
    "%2Fvcard",
    "%2e%2e",
    "%252Fvcard",
    "/",
    "//",
    "/.",
    "/x/..",
];
/// What may stand before one.
const HEADS: [&str; 10] = [" ", "\0", "\t", "%20", "+", "./", "x/../", "/", "\\", "\u{feff}"];

/// A path of the document, and the methods it has.
fn paths() -> BTreeMap<String, BTreeMap<String, String>> {
    let document: Value = serde_json::from_str(include_str!("../../infra/openapi.json")).unwrap();
    let methods = |item: &Value| {
        let operations = item.as_object().unwrap().iter().filter(|(_, operation)| operation["operationId"].is_string());
        operations
            .map(|(name, found)| (name.to_uppercase(), found["operationId"].as_str().unwrap().to_owned()))
            .collect()
    };
    document["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// A world in which the sample of an operation succeeds, the function's router, and the sample.
async fn sample(operation: &str) -> (Router, Value, u16) {
    let function = testkit::events::function_of(operation);
    let row = row(&function, operation).unwrap();
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    if row.visited {
        let aggregator = crate::aggregator::aggregator(&world, KeptDeadLetters::default());
        let visit = serde_json::from_str(&load("radar-aggregator", "stats", &world)).unwrap();
        radar_aggregator::handle(&aggregator, visit, "r").await;
    }
    let payload = prepared(operation, &world, &|name| functions.router(name).clone()).await;
    (functions.router(&function).clone(), serde_json::from_str(&payload).unwrap(), row.status)
}

/// The request with another path.
fn with_path(payload: &Value, path: &str) -> String {
    let mut payload = payload.clone();
    payload["rawPath"] = path.into();
    payload["requestContext"]["http"]["path"] = path.into();
    payload.to_string()
}

/// The request with another method.
fn with_method(payload: &Value, method: &str) -> String {
    let mut payload = payload.clone();
    payload["requestContext"]["http"]["method"] = method.into();
    payload.to_string()
}

/// Every other way to write an id that a lenient reader would take for it.
fn spellings(id: &str) -> Vec<String> {
    let mut found: Vec<_> = TAILS.iter().map(|tail| format!("{id}{tail}")).collect();
    found.extend(HEADS.iter().map(|head| format!("{head}{id}")));
    found.push(format!("%{:02X}{}", id.as_bytes()[0], &id[1..]));
    found.push(format!("%25{:02X}{}", id.as_bytes()[0], &id[1..]));
    found.push(id.to_uppercase());
    found.push(id[..1].to_uppercase() + &id[1..]);
    found.push(format!("{id}0"));
    found.push(format!("{id}===="));
    found.push(id[..id.len() - 1].to_owned());
    if let Some((prefix, encoded)) = id.split_once('_').filter(|(_, encoded)| encoded.len() == 26) {
        found.push(encoded.to_owned());
        found.push(format!("{prefix}_{}", encoded.to_uppercase()));
        found.push(format!("{prefix}__{encoded}"));
        found.push(format!("{prefix}-{encoded}"));
        // The last of the 26 characters has two bits that belong to no byte.
        let last = "0123456789abcdefghijklmnopqrstuv".find(&encoded[25..]).unwrap();
        for bits in 1..4 {
            let other = char::from(b"0123456789abcdefghijklmnopqrstuv"[last ^ bits]);
            found.push(format!("{prefix}_{}{other}", &encoded[..25]));
        }
    }
    // A share code has no case of its own.
    found.retain(|spelling| spelling != id);
    found
}

#[tokio::test]
async fn an_id_in_a_path_has_one_spelling() {
    let (mut ids, mut asked) = (0, 0);
    for (path, methods) in paths() {
        for operation in methods.values().filter(|_| path.contains('{')) {
            let (router, payload, status) = sample(operation).await;
            let sent = payload["rawPath"].as_str().unwrap().to_owned();
            let (sent, places): (Vec<_>, Vec<_>) = (sent.split('/').collect(), path.split('/').collect());
            for place in (0..places.len()).filter(|place| places[*place].starts_with('{')) {
                ids += 1;
                for spelling in spellings(sent[place]) {
                    let mut other = sent.clone();
                    other[place] = &spelling;
                    let (status, body) = call(&router, &with_path(&payload, &other.join("/"))).await;
                    assert_eq!((status, &body["code"]), (404, &"not_found".into()), "{operation} {other:?}: {body}");
                    asked += 1;
                }
            }
            // None of them was taken for the request itself.
            let (found, body) = call(&router, &payload.to_string()).await;
            assert_eq!(found, status, "{operation}: {body}");
        }
    }
    assert!(ids > 60 && asked > 3_000, "{ids} ids, {asked} requests");
}

/// Whether an answer has the headers of every answer, and is a problem if it failed.
fn assert_headers(answer: &http::Response<Value>, what: &str) {
    let header = |name| answer.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    assert_eq!(header(CACHE_CONTROL), Some("no-store"), "{what}");
    assert_eq!(header(X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{what}");
    if answer.status().as_u16() >= 400 {
        assert_eq!(header(CONTENT_TYPE), Some("application/problem+json"), "{what}: {}", answer.status());
    }
}

#[tokio::test]
async fn every_answer_forbids_to_store_it_and_to_guess_its_type() {
    for (path, methods) in paths() {
        for operation in methods.values() {
            let (router, payload, status) = sample(operation).await;
            let mut without_token = payload.clone();
            without_token["headers"] = serde_json::json!({});
            let sent = payload["rawPath"].as_str().unwrap();
            for (request, expected) in [
                (with_path(&payload, &format!("{sent}/")), Some(404)),
                (with_path(&payload, &format!("{sent}/nowhere/at/all")), Some(404)),
                (with_path(&payload, &format!("/{sent}")), Some(404)),
                (with_path(&payload, &format!("{sent}%00")), Some(404)),
                (without_token.to_string(), None),
                (payload.to_string(), Some(status)),
            ] {
                let answer = respond(&router, &request).await;
                assert_headers(&answer, &format!("{operation} {path} {request}"));
                assert!(expected.is_none_or(|status| status == answer.status().as_u16()), "{operation}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_it_has() {
    const METHODS: [&str; 9] = ["HEAD", "OPTIONS", "TRACE", "PATCH", "PURGE", "GET", "POST", "PUT", "DELETE"];
    for (path, methods) in paths() {
        let (router, payload, _) = sample(methods.values().next().unwrap()).await;
        for method in METHODS.iter().filter(|method| !methods.contains_key(**method)) {
            let answer = respond(&router, &with_method(&payload, method)).await;
            let what = format!("{method} {path}");
            assert_headers(&answer, &what);
            assert_eq!(answer.status().as_u16(), 405, "{what}");
            let allowed = answer.headers()[ALLOW].to_str().unwrap();
            let mut allowed: Vec<_> = allowed.split(", ").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, methods.keys().collect::<Vec<_>>(), "{what}");
            let code = if *method == "HEAD" { Value::Null } else { "method_not_allowed".into() };
            assert_eq!(answer.body()["code"], code, "{what}: a HEAD has no body");
        }
        let answer =
            respond(&router, &with_path(&serde_json::from_str(&with_method(&payload, "HEAD")).unwrap(), "/v1/no"))
                .await;
        assert_eq!((answer.status().as_u16(), answer.body()), (404, &Value::Null));
        assert_headers(&answer, "HEAD /v1/no");
    }
}

/// The request with another query.
fn with_query(payload: &Value, query: &str) -> String {
    let mut payload = payload.clone();
    payload["rawQueryString"] = query.into();
    payload.to_string()
}

/// The operations with a query parameter of this kind.
fn with_parameter(wanted: impl Fn(&Value) -> bool) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(include_str!("../../infra/openapi.json")).unwrap();
    let mut found = Vec::new();
    for operation in document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        // These requests have no other parameter.
        if parameters.clone().any(|parameter| parameter["in"] == "query" && parameter["required"] == true) {
            continue;
        }
        for parameter in parameters.filter(|parameter| parameter["in"] == "query" && wanted(parameter)) {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            found.push((text(&operation["operationId"]), text(&parameter["name"])));
        }
    }
    found
}

#[tokio::test]
async fn an_id_in_a_query_has_one_spelling() {
    let is_id =
        |parameter: &Value| parameter["schema"]["pattern"].as_str().is_some_and(|text| text.contains("_[0-9a-v]{26}"));
    let found = with_parameter(is_id);
    assert!(found.len() >= 5, "{found:?}");
    for (operation, name) in found {
        let (router, payload, _) = sample(&operation).await;
        let prefix = match name.as_str() {
            "department" | "department_id" => "dep_",
            "member_id" | "owner_id" => "mem_",
            "card_id" => "crd_",
            "view" => "viw_",
            _ => "per_",
        };
        let id = prefix.to_owned() + "06gvogmi01u8d1r3ma0jgnkmec";
        let (status, body) = call(&router, &with_query(&payload, &format!("{name}={id}"))).await;
        assert!(status == 200 || status == 404, "{operation}: {status} {body}");
        for spelling in spellings(&id) {
            // As a client escapes it, and as the gateway might hand it on.
            let escaped: String = spelling.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let (status, body) = call(&router, &with_query(&payload, &format!("{name}={escaped}"))).await;
            assert_eq!((status, &body["code"]), (400, &"invalid_query".into()), "{operation} {spelling:?}");
        }
    }
}

#[tokio::test]
async fn a_forged_cursor_is_refused_before_any_call() {
    let lists = with_parameter(|parameter| parameter["name"] == "cursor");
    assert!(lists.len() >= 10, "{lists:?}");
    let mut world = World::new().await;
    // Nothing answers there: a call would end in 503.
    world.dynamodb = aws_sdk_dynamodb::Client::new(&testkit::emulators::config("http://127.0.0.1:9"));
    let functions = Functions::on(&world).await;
    for (operation, _) in lists {
        let function = testkit::events::function_of(&operation);
        // What has to be made first is asked about with its own id, in the next test.
        if !row(&function, &operation).unwrap().take.is_empty() {
            continue;
        }
        let payload: Value = serde_json::from_str(&load(&function, &operation, &world)).unwrap();
        for forged in ["x", "", "AgICAgICAgICAgICAgICAgIC", "AQEBAQEBAQEBbWVtXzc", "%00", "a%0a"] {
            let request = with_query(&payload, &format!("cursor={forged}"));
            let (status, body) = call(functions.router(&function), &request).await;
            assert_eq!((status, &body["code"]), (400, &"invalid_cursor".into()), "{operation} {forged}: {body}");
        }
    }
}

#[tokio::test]
async fn a_cursor_leads_on_for_its_caller_in_its_list_only() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let lists = with_parameter(|parameter| parameter["name"] == "cursor");
    let directory: Value = serde_json::from_str(&load("organization", "list_directory", &world)).unwrap();
    let ask = async |router: &Router, payload: &Value, token: String, query: String| {
        let mut payload: Value = serde_json::from_str(&with_query(payload, &query)).unwrap();
        payload["headers"]["authorization"] = format!("Bearer {token}").into();
        call(router, &payload.to_string()).await
    };
    let organization = functions.router("organization");
    let (status, first) = ask(organization, &directory, world.token("boss"), "limit=1".to_owned()).await;
    assert_eq!(status, 200, "{first}");
    let cursor = first["next_cursor"].as_str().unwrap();
    // Another limit is the same list.
    let (status, second) = ask(organization, &directory, world.token("boss"), format!("limit=2&cursor={cursor}")).await;
    assert_eq!((status, second["items"].as_array().unwrap().len()), (200, 2), "{second}");
    let refused = |(status, body): (u16, Value), who: &str| {
        assert_eq!((status, &body["code"]), (400, &"invalid_cursor".into()), "{who}: {body}");
    };
    let query = format!("limit=1&cursor={cursor}");
    refused(ask(organization, &directory, world.token("lin"), query.clone()).await, "another person");
    refused(ask(organization, &directory, world.token("boss"), format!("q=l&{query}")).await, "another query");
    let (company, boss) = (Company::granted(CompanyId::from_uuid(Uuid::from_u128(9))), &world.staff["boss"]);
    let (membership, now) = (boss.claims(true, world.clock.now()), world.clock.now());
    let elsewhere = world.keys.signer.sign(company, boss.person, Some(membership), now).unwrap();
    refused(ask(organization, &directory, elsewhere, query.clone()).await, "another company");
    for (operation, _) in lists.iter().filter(|(operation, _)| operation != "list_directory") {
        let function = testkit::events::function_of(operation);
        let stands_alone = row(&function, operation).unwrap().take.is_empty();
        let text = if stands_alone {
            load(&function, operation, &world)
        } else {
            prepared(operation, &world, &|name| functions.router(name).clone()).await
        };
        let payload: Value = serde_json::from_str(&text).unwrap();
        refused(ask(functions.router(&function), &payload, world.token("boss"), query.clone()).await, operation);
    }
}
