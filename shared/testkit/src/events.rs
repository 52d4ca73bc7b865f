//! The files of `events/`: input of tests and of local invokes.
//!
//! A file is a Lambda payload with placeholders such as `${token_lin}`, which stand for values that
//! differ from stack to stack. The file of a request also holds its [`Row`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use domain::kernel::id::{Id, ProductId};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use crate::clock::NOON;
use crate::vendors::OPERATOR_KEY;
use crate::world::World;
use domain::kernel::timestamp::DAY_MS;

/// The expectations of a request: the object `expect` of its file.
///
/// The fields that only the end-to-end tests read are described in `docs/TESTING.md`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The status that answers the request.
    pub status: u16,
    /// The code of the problem; empty for a success.
    #[serde(default)]
    pub code: String,
    /// The files that are sent first, in this order. Each must succeed.
    #[serde(default)]
    pub before: Vec<String>,
    /// Placeholders of this file, and where the last answer before holds their values, as JSON pointers.
    #[serde(default)]
    pub take: BTreeMap<String, String>,
    /// Whether the visitor has opened the card of `lin`.
    #[serde(default)]
    pub visited: bool,
    /// The note of the bill beside the route.
    #[serde(default)]
    pub note: String,
    /// The effect that only a repeated request has; empty for idempotent requests.
    #[serde(default)]
    pub again: String,
    /// Whether the laboratory tries faults with this file, too, and not only with the one of the operation.
    #[serde(default)]
    pub faults: bool,
    /// The access class of the request; in the file of the operation only.
    pub access: Option<String>,
    /// The differences on a deployed stack.
    #[serde(default)]
    pub deployed: Value,
    /// Statuses by caller that do not follow from `access`.
    #[serde(default)]
    pub statuses: BTreeMap<String, u16>,
    /// The answer to a caller from another company.
    #[serde(default)]
    pub foreign: Value,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn folder(function: &str) -> PathBuf {
    root().join(function)
}

fn read(function: &str, case: &str) -> String {
    let path = folder(function).join(format!("{case}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The row of a file; `None` if the file holds no request.
pub fn row(function: &str, case: &str) -> Option<Row> {
    let mut payload: Value = serde_json::from_str(&read(function, case)).expect("an event file is JSON");
    let row = payload.get_mut("expect")?.take();
    Some(serde_json::from_value(row).unwrap_or_else(|error| panic!("expect of {function}/{case}: {error}")))
}

/// The functions that serve requests, sorted.
pub fn http_functions() -> Vec<String> {
    let folders = std::fs::read_dir(root()).expect("events/ is there").flatten();
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| all(name).iter().any(|case| row(name, case).is_some())).collect();
    names.sort();
    names
}

/// The function whose folder of `events/` has the file.
pub fn function_of(case: &str) -> String {
    let folders = std::fs::read_dir(root()).expect("events/ is there");
    let found = folders.flatten().find(|folder| folder.path().join(format!("{case}.json")).exists());
    let name = found.and_then(|folder| folder.file_name().into_string().ok());
    name.unwrap_or_else(|| panic!("no event file is called {case}.json"))
}

/// The names of all files of a function, without ending, sorted.
pub fn all(function: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder(function)).expect("the function has a folder in events/");
    let name = |entry: std::fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<_> = entries.flatten().filter_map(name).collect();
    names.sort();
    names
}

/// The caller of a file's request: `boss`, `lin`, `chen`, `wang`, `visitor` or `anonymous`; `None`
/// for a request without a token.
pub fn caller(function: &str, case: &str) -> Option<String> {
    let payload: Value = serde_json::from_str(&read(function, case)).expect("an event file is JSON");
    let token = payload["headers"]["authorization"].as_str()?.strip_prefix("Bearer ${token_")?;
    token.strip_suffix('}').map(str::to_owned)
}

/// The method of a file's request.
pub fn method(function: &str, case: &str) -> String {
    let payload: Value = serde_json::from_str(&read(function, case)).expect("an event file is JSON");
    payload["requestContext"]["http"]["method"].as_str().expect("a method").to_owned()
}

/// A file's text, its placeholders filled in from the world.
pub fn load(function: &str, case: &str, world: &World) -> String {
    let text = fill(function, case, world);
    assert!(!text.contains("${"), "{function}/{case} has a placeholder that nobody fills");
    text
}

/// A file's text after the files before it were sent: its placeholders are filled in from
/// the world and from the last answer.
pub async fn prepared(case: &str, world: &World, router: &dyn Fn(&str) -> axum::Router) -> String {
    let function = function_of(case);
    let row = row(&function, case).expect("a request");
    let mut text = fill(&function, case, world);
    let mut answer = Value::Null;
    for before in &row.before {
        let payload = Box::pin(prepared(before, world, router)).await;
        let (status, body) = call(&router(&function_of(before)), &payload).await;
        assert!((200..300).contains(&status), "{before}, before {case}: {status} {body}");
        answer = body;
        // A new code is sent at most once a minute.
        world.clock.advance(61_000);
    }
    for (name, pointer) in &row.take {
        let taken = answer.pointer(pointer).unwrap_or_else(|| panic!("{case}: nothing at {pointer} of {answer}"));
        let taken = taken.as_str().map_or_else(|| taken.to_string(), str::to_owned);
        text = text.replace(&format!("${{{name}}}"), &taken);
    }
    assert!(!text.contains("${"), "{case} has a placeholder that nobody fills");
    text
}

fn fill(function: &str, case: &str, world: &World) -> String {
    let mut text = read(function, case);
    for name in ["boss", "lin", "chen", "wang", "visitor"] {
        text = text.replace(&format!("${{token_{name}}}"), &world.token(name));
    }
    text = text.replace("${token_anonymous}", &world.anonymous_token());
    for (name, staff) in &world.staff {
        text = text.replace(&format!("${{member_{name}}}"), &staff.member.to_string());
        text = text.replace(&format!("${{person_{name}}}"), &staff.person.to_string());
        text =
            text.replace(&format!("${{card_{name}}}"), &staff.card.map_or_else(String::new, |card| card.to_string()));
    }
    for (purpose, upload) in &world.uploads {
        text = text.replace(&format!("${{upload_{purpose}}}"), &upload.to_string());
    }
    let now = world.clock.now();
    let others = [
        ("company_id", world.company.id().to_string()),
        ("visitor_id", world.visitor.to_string()),
        ("merge_id", world.merge_id.to_string()),
        ("product_id", ProductId::from_uuid(world.visitor.uuid()).to_string()),
        ("share_code", world.share_code.as_str().to_owned()),
        ("appid", world.appid.as_str().to_owned()),
        ("login_code", "visitor".to_owned()),
        ("staff_code", "lin".to_owned()),
        ("newcomer_code", "newcomer".to_owned()),
        ("new_appid", "wxfeedfacecafe0001".to_owned()),
        ("phone", "13800000001".to_owned()),
        ("unique", String::new()),
        ("operator_key", OPERATOR_KEY.to_owned()),
        ("idempotency_key", format!("key-of-{case}").replace('.', "-")),
        ("batch_id", world.ids.uuid(now).expect("an id").to_string()),
        ("now", NOON.to_owned()),
        ("tomorrow", now.plus_millis(DAY_MS).to_string()),
        ("now_ms", now.millis().to_string()),
    ];
    for (name, value) in others {
        text = text.replace(&format!("${{{name}}}"), &value);
    }
    text
}

/// Status and JSON body of a router's answer to an HTTP payload.
pub async fn call(router: &axum::Router, payload: &str) -> (u16, Value) {
    let response = respond(router, payload).await;
    (response.status().as_u16(), response.into_body())
}

/// A router's answer to an HTTP payload, its body read as JSON.
pub async fn respond(router: &axum::Router, payload: &str) -> http::Response<Value> {
    let event = serde_json::from_str(payload).expect("an HTTP payload");
    let request = http::Request::from(edge::target::readable(event));
    let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    http::Response::from_parts(head, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The payload with a token of now of the same caller.
pub fn with_token_of_now(payload: &str, world: &World) -> String {
    let mut payload: Value = serde_json::from_str(payload).expect("a payload is JSON");
    let Some(header) = payload["headers"]["authorization"].as_str() else { return payload.to_string() };
    let claims = header.split('.').nth(1).and_then(|claims| BASE64URL_NOPAD.decode(claims.as_bytes()).ok());
    let claims: Value = serde_json::from_slice(&claims.expect("a token has claims")).expect("claims are JSON");
    let caller = world.staff.iter().find(|(_, staff)| claims["sub"] == staff.person.to_string());
    let token = world.token(caller.map_or("visitor", |(name, _)| name));
    payload["headers"]["authorization"] = format!("Bearer {token}").into();
    payload.to_string()
}
