//! The files of `events/`: input of tests and of local invokes.
//!
//! A file is a Lambda payload with placeholders such as `${token_lin}`, which stand for
//! what differs from stack to stack.

use std::path::PathBuf;

use domain::id::{Id, ProductId};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::clock::NOON;
use crate::world::World;

fn folder(function: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function)
}

/// The names of all files of a function, without ending, sorted.
pub fn all(function: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder(function)).expect("the function has a folder in events/");
    let name = |entry: std::fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<_> = entries.flatten().filter_map(name).collect();
    names.sort();
    names
}

/// A file's text, its placeholders filled in from the world.
pub fn load(function: &str, case: &str, world: &World) -> String {
    let path = folder(function).join(format!("{case}.json"));
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for name in ["boss", "lin", "chen", "wang", "visitor"] {
        text = text.replace(&format!("${{token_{name}}}"), &world.token(name));
    }
    text = text.replace("${token_anonymous}", &world.anonymous_token());
    for (name, staff) in &world.staff {
        text = text.replace(&format!("${{member_{name}}}"), &staff.member.to_string());
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
        ("operator_key", OPERATOR_KEY.to_owned()),
        ("idempotency_key", format!("key-of-{case}").replace('.', "-")),
        ("batch_id", world.ids.uuid(now).expect("an id").to_string()),
        ("now", NOON.to_owned()),
        ("now_ms", now.millis().to_string()),
    ];
    for (name, value) in others {
        text = text.replace(&format!("${{{name}}}"), &value);
    }
    assert!(!text.contains("${"), "{function}/{case} has a placeholder that nobody fills");
    text
}

/// The operator key of every test.
pub const OPERATOR_KEY: &str = "operator-key-of-tests";

/// Status and JSON body of a router's answer to an HTTP payload.
pub async fn call(router: &axum::Router, payload: &str) -> (u16, Value) {
    let response = respond(router, payload).await;
    (response.status().as_u16(), response.into_body())
}

/// A router's answer to an HTTP payload, its body read as JSON.
pub async fn respond(router: &axum::Router, payload: &str) -> http::Response<Value> {
    let request = lambda_http::request::from_str(payload).expect("an HTTP payload");
    let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    http::Response::from_parts(head, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
