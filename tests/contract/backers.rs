//! What lets others in ends with the right to make it: invitations and claim codes.

use axum::Router;
use domain::company::audit::{AuditActor, AuditFilter};
use domain::kernel::id::CompanyId;
use serde_json::{Value, json};
use testkit::events::call;
use testkit::vendors::OPERATOR_KEY;
use testkit::world::World;

use crate::functions::organization;
use crate::http::{join, seat_balance, send};
use crate::rights::{Change, change};

/// A world in which `lin` is an admin, with lin's token.
async fn start() -> (World, Router, String) {
    let world = World::new().await;
    let router = organization(&world, "sms").await;
    change(&world, "lin", Change::Promoted).await;
    let token = world.token_of_now("lin").await;
    (world, router, token)
}

async fn post(router: &Router, path: &str, token: &str, key: &str, body: Value) -> Value {
    let (status, made) = send(router, ("POST", path), (Some(token), Some(key)), Some(body)).await;
    assert_eq!(status, 201, "{made}");
    made
}

async fn claim(world: &World, router: &Router, code: &str, added: &Value, company: Option<&str>) -> (u16, Value) {
    let mut body = json!({"appid": world.appid.as_str(), "code": code, "claim_code": added["claim_code"]});
    if let Some(company) = company {
        body["company_id"] = company.into();
    }
    send(router, ("POST", "/v1/sessions"), (None, None), Some(body)).await
}

async fn states(world: &World, router: &Router, query: &str) -> Vec<String> {
    let boss = world.token("boss");
    let path = format!("/v1/invitations{query}");
    let (status, page) = send(router, ("GET", &path), (Some(&boss), None), None).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_invitation_ends_with_the_right_of_who_made_it() {
    for how in [Change::Disabled, Change::Removed, Change::Demoted] {
        let (world, router, _) = start().await;
        for (name, review) in [("at once", false), ("after review", true)] {
            let body = json!({"uses": 2, "role": "staff", "review": review});
            let lin = world.token_of_now("lin").await;
            let made = post(&router, "/v1/invitations", &lin, &format!("link-{review}"), body).await;
            let (status, body) = join(&world, &router, &format!("early-{review}"), &made).await;
            assert_eq!(status, 201, "{name}: {body}");
            change(&world, "lin", how).await;
            let (status, body) = join(&world, &router, &format!("late-{review}"), &made).await;
            assert_eq!((status, &body["code"]), (422, &"invitation_revoked".into()), "{name} {how:?}: {body}");
            // They are an admin again for the second round.
            let id = &made["invitation"]["id"];
            let path = format!("/v1/invitations/{}", id.as_str().unwrap());
            let boss = world.token("boss");
            let (_, shown) = send(&router, ("GET", &path), (Some(&boss), None), None).await;
            assert_eq!(shown["state"], "ended", "{shown}");
            if review {
                assert_eq!(states(&world, &router, "").await, ["ended", "ended"]);
                assert_eq!(states(&world, &router, "?state=ended").await, ["ended", "ended"]);
                assert_eq!(states(&world, &router, "?state=open").await, [""; 0]);
                // Its seats are freed by revoking it.
                let (status, revoked) = send(&router, ("DELETE", &path), (Some(&boss), None), None).await;
                assert_eq!((status, &revoked["state"]), (200, &"revoked".into()), "{revoked}");
            } else {
                world.clock.advance(1);
                bring_back(&world, how).await;
                // The right of now is not the one they made it by.
                let (status, body) = join(&world, &router, "later", &made).await;
                assert_eq!((status, &body["code"]), (422, &"invitation_revoked".into()), "{how:?}: {body}");
                assert_eq!(states(&world, &router, "").await, ["ended"]);
            }
        }
        seat_balance(&world).await;
    }
}

/// Makes `lin` an active admin again.
async fn bring_back(world: &World, how: Change) {
    if how == Change::Demoted {
        change(world, "lin", Change::Promoted).await;
    } else {
        change(world, "lin", Change::Enabled).await;
    }
}

#[tokio::test]
async fn an_invitation_for_admins_ends_when_the_boss_who_made_it_is_an_admin() {
    let (world, router, _) = start().await;
    let body = json!({"uses": 2, "role": "admin"});
    let made = post(&router, "/v1/invitations", &world.token("boss"), "link-for-admins", body).await;
    change(&world, "boss", Change::Promoted).await;
    let (status, body) = join(&world, &router, "late", &made).await;
    assert_eq!((status, &body["code"]), (422, &"invitation_revoked".into()), "{body}");
}

#[tokio::test]
async fn a_claim_code_ends_with_the_right_of_who_issued_it_and_a_new_one_counts() {
    for how in [Change::Disabled, Change::Removed, Change::Demoted] {
        let (world, router, lin) = start().await;
        let added = post(&router, "/v1/members", &lin, "key-of-zhou", json!({"name": "周岚"})).await;
        change(&world, "lin", how).await;
        world.clock.advance(1);
        for back in [false, true] {
            if back {
                bring_back(&world, how).await;
            }
            let (status, body) = claim(&world, &router, "zhou", &added, None).await;
            assert_eq!((status, &body["code"]), (422, &"claim_code_invalid".into()), "{how:?} {back}: {body}");
        }
        let path = format!("/v1/members/{}/claim-codes", added["member"]["id"].as_str().unwrap());
        let again = post(&router, &path, &world.token("boss"), "key-of-second", json!({})).await;
        assert_eq!(claim(&world, &router, "zhou", &again, None).await.0, 201);
        seat_balance(&world).await;
    }
}

#[tokio::test]
async fn a_refused_company_leaves_the_code_and_the_invitation_unused() {
    let (world, router, lin) = start().await;
    let added = post(&router, "/v1/members", &lin, "key-of-zhou", json!({"name": "周岚"})).await;
    let nowhere = company_of_nobody(&world);
    let (status, body) = claim(&world, &router, "zhou--union-7", &added, Some(&nowhere)).await;
    assert_eq!((status, &body["code"]), (404, &"not_found".into()), "{body}");
    assert_eq!(claim(&world, &router, "wu", &added, None).await.0, 201, "somebody else can use it");
    let made = post(&router, "/v1/invitations", &lin, "link-for-one", json!({"uses": 1, "role": "staff"})).await;
    let by = json!({"code": made["invitation_code"], "name": "钱", "position": ""});
    let body = json!({"appid": world.appid.as_str(), "code": "qian", "invitation": by, "company_id": nowhere});
    assert_eq!(send(&router, ("POST", "/v1/sessions"), (None, None), Some(body)).await.0, 404);
    assert_eq!(join(&world, &router, "sun", &made).await.0, 201);
}

#[tokio::test]
async fn the_operator_adds_a_boss_where_none_is_left_once_and_the_log_shows_it() {
    let (world, router, _) = start().await;
    change(&world, "boss", Change::Removed).await;
    let path = format!("/v1/companies/{}/bosses", world.company.id());
    let ask = async |path: &str| {
        let payload = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": "application/json", "x-operator-key": OPERATOR_KEY, "idempotency-key": "a-boss-again"},
            "requestContext": {
                "accountId": "0", "apiId": "local", "domainName": "localhost", "domainPrefix": "localhost",
                "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"},
                "requestId": "r", "routeKey": "$default", "stage": "$default",
                "time": "21/Nov/2026:04:00:00 +0000", "timeEpoch": 1_795_233_600_000_i64,
            },
            "body": "{\"name\": \"沈云\"}", "isBase64Encoded": false,
        });
        call(&router, &payload.to_string()).await
    };
    let (status, added) = ask(&path).await;
    assert_eq!(status, 201, "{added}");
    assert_eq!(ask(&path).await, (201, added.clone()), "a retry adds nobody");
    let (status, session) = claim(&world, &router, "shen", &added, None).await;
    assert_eq!((status, &session["member"]["role"]), (201, &"boss".into()), "{session}");
    let log = world.store.audit_log(world.company, &AuditFilter::default(), None, 100).await.unwrap().items;
    let added: Vec<_> = log.iter().filter(|entry| entry.to == "boss").map(|entry| entry.actor).collect();
    assert_eq!(added, [AuditActor::Operator]);
    let nowhere = path.replace(&world.company.id().to_string(), &company_of_nobody(&world));
    assert_eq!(ask(&nowhere).await.0, 404);
    seat_balance(&world).await;
}

fn company_of_nobody(world: &World) -> String {
    world.ids.new_id::<CompanyId>(world.clock.now()).unwrap().to_string()
}
