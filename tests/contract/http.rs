//! Requests to a function as the API gateway sends them, and the balance of the seats.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use domain::company::quota::Quota;
use domain::people::member::{Member, MemberStatus};
use serde_json::{Value, json};
use store::{KEY_ATTRIBUTES, MemberFilter, QuotaName};
use testkit::events::call;
use testkit::world::World;

/// Status and body of a request; repeats it while other writers are in the way.
pub(crate) async fn send(
    router: &Router,
    (method, path): (&str, &str),
    (token, key): (Option<&str>, Option<&str>),
    body: Option<Value>,
) -> (u16, Value) {
    let mut headers = json!({"content-type": "application/json"});
    if let Some(token) = token {
        headers["authorization"] = format!("Bearer {token}").into();
    }
    if let Some(key) = key {
        headers["idempotency-key"] = key.into();
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let payload = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "0", "apiId": "local", "domainName": "localhost", "domainPrefix": "localhost",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"},
            "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "21/Nov/2026:04:00:00 +0000", "timeEpoch": 1_795_233_600_000_i64,
        },
        "body": body.map(|body| body.to_string()), "isBase64Encoded": false,
    })
    .to_string();
    loop {
        match call(router, &payload).await {
            (409, body) if body["code"] == "request_in_progress" => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

/// An invitation made by the boss.
pub(crate) async fn invite(world: &World, router: &Router, key: &str, body: Value) -> Value {
    let boss = world.token("boss");
    let (status, made) = send(router, ("POST", "/v1/invitations"), (Some(&boss), Some(key)), Some(body)).await;
    assert_eq!(status, 201, "{made}");
    made
}

/// A person who logs in by an invitation.
pub(crate) async fn join(world: &World, router: &Router, openid: &str, invitation: &Value) -> (u16, Value) {
    let by = json!({"code": invitation["invitation_code"], "name": openid, "position": "茶艺师"});
    let body = json!({"appid": world.appid.as_str(), "code": openid, "invitation": by});
    send(router, ("POST", "/v1/sessions"), (None, None), Some(body)).await
}

/// A person who logs in.
pub(crate) async fn log_in(world: &World, router: &Router, openid: &str) -> Value {
    let body = json!({"appid": world.appid.as_str(), "code": openid});
    let (status, session) = send(router, ("POST", "/v1/sessions"), (None, None), Some(body)).await;
    assert_eq!(status, 201, "{session}");
    session
}

/// All members, page by page.
pub(crate) async fn members(world: &World) -> Vec<Member> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = world.store.list_members(world.company, &MemberFilter::default(), after, 100).await.unwrap();
        found.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// What the holds of seats add up to.
async fn held_seats(world: &World) -> i64 {
    let partition = [&world.company.id().to_string(), "QUOTA", "SEATS"].join("#");
    let query = world.dynamodb.query().table_name(&world.table).consistent_read(true);
    let query = query.key_condition_expression("#pk = :pk").expression_attribute_names("#pk", KEY_ATTRIBUTES[0]);
    let page = query.expression_attribute_values(":pk", AttributeValue::S(partition)).send().await.unwrap();
    assert_eq!(page.last_evaluated_key, None, "all holds are on one page");
    let held = page.items.unwrap().into_iter().filter(|item| item["type"].as_s().unwrap() == "hold");
    held.map(|hold| hold["amount"].as_n().unwrap().parse::<i64>().unwrap()).sum()
}

/// The seats. Reserved ones must equal the holds, used ones the active members.
pub(crate) async fn seat_balance(world: &World) -> Quota {
    let quota = world.store.quota(world.company, QuotaName::Seats).await.unwrap();
    let active = members(world).await.iter().filter(|member| member.status() == MemberStatus::Active).count();
    assert_eq!((quota.reserved, quota.used), (held_seats(world).await, i64::try_from(active).unwrap()), "{quota:?}");
    assert!(quota.available >= 0, "{quota:?}");
    quota
}

/// Adds seats to the company.
pub(crate) async fn add_seats(world: &World, n: i64) {
    let (entry, request) = (world.entry(), world.request("more seats"));
    world.store.resize_quota(world.company, QuotaName::Seats, n, &entry, &request).await.unwrap();
}
