//! Sessions of members over HTTP: refreshed without WeChat, used once, ended at once.

use axum::Router;
use domain::kernel::id::SessionId;
use domain::people::session::{FRESH_LOGIN_MS, MemberSessions, REPEAT_MS, SESSION_IDLE_MS, SESSIONS_MAX};
use edge::token::{MEMBER_TOKEN_LIFE_MS, TOKEN_LIFE_MS, TokenVerifier};
use serde_json::{Value, json};
use testkit::world::World;

use crate::functions::Functions;
use crate::http::{log_in, send};
use crate::rights::{Change, change, table};

/// A world with the organization function.
async fn stage() -> (World, Functions) {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    (world, functions)
}

async fn refresh(organization: &Router, token: &Value) -> (u16, Value) {
    let body = json!({"refresh_token": token});
    send(organization, ("POST", "/v1/sessions/refresh"), (None, None), Some(body)).await
}

async fn get_me(organization: &Router, token: &Value) -> (u16, Value) {
    send(organization, ("GET", "/v1/me"), (token.as_str(), None), None).await
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

/// The stored sessions of lin that are not over.
async fn sessions(world: &World) -> Vec<SessionId> {
    let (_, found) = world.store.member_and_sessions(world.company, world.staff["lin"].member).await.unwrap();
    found.open(world.clock.now()).into_iter().map(|(id, _)| id).collect()
}

#[tokio::test]
async fn a_member_s_token_lives_five_minutes_and_a_visitor_s_two_hours_without_a_session() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let (lin, visitor) = (log_in(&world, organization, "lin").await, log_in(&world, organization, "visitor").await);
    assert!(lin["refresh_token"].is_string() && visitor["refresh_token"].is_null(), "{lin} {visitor}");
    world.clock.advance(MEMBER_TOKEN_LIFE_MS - 1);
    assert_eq!(get_me(organization, &lin["token"]).await.0, 200);
    world.clock.advance(1);
    assert_eq!(code(&get_me(organization, &lin["token"]).await), (401, "unauthorized"));
    world.clock.advance(TOKEN_LIFE_MS - MEMBER_TOKEN_LIFE_MS - 1);
    assert_eq!(get_me(organization, &visitor["token"]).await.0, 200);
    world.clock.advance(1);
    assert_eq!(code(&get_me(organization, &visitor["token"]).await), (401, "unauthorized"));
}

#[tokio::test]
async fn a_refresh_token_works_once_and_once_more_for_a_lost_answer() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let first = log_in(&world, organization, "lin").await["refresh_token"].clone();
    world.clock.advance(MEMBER_TOKEN_LIFE_MS);
    let (status, second) = refresh(organization, &first).await;
    assert_eq!((status, &second["member"]["role"]), (200, &json!("staff")), "{second}");
    assert_eq!(get_me(organization, &second["token"]).await.0, 200);
    let stored = table(&world).await;
    let (status, again) = refresh(organization, &first).await;
    assert_eq!((status, &again["refresh_token"]), (200, &second["refresh_token"]));
    assert!(table(&world).await == stored, "the lost answer is given again without a write");
    let (_, third) = refresh(organization, &second["refresh_token"]).await;
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    assert_eq!(code(&refresh(organization, &first).await), (401, "session_ended"), "it was used twice before");
    assert_eq!(code(&refresh(organization, &third["refresh_token"]).await), (401, "session_ended"), "the thief has it");
    assert_eq!(code(&get_me(organization, &third["token"]).await), (401, "rights_changed"), "at once");
}

#[tokio::test]
async fn a_stolen_token_ends_its_own_session_alone() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let (phone, tablet) = (log_in(&world, organization, "lin").await, log_in(&world, organization, "lin").await);
    let mut token = phone["refresh_token"].clone();
    for _ in 0..2 {
        token = refresh(organization, &token).await.1["refresh_token"].clone();
    }
    assert_eq!(code(&refresh(organization, &phone["refresh_token"]).await), (401, "session_ended"));
    assert_eq!(code(&get_me(organization, &tablet["token"]).await), (401, "rights_changed"));
    let (status, tablet) = refresh(organization, &tablet["refresh_token"]).await;
    assert_eq!((status, get_me(organization, &tablet["token"]).await.0), (200, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_refreshes_with_one_token_get_one_pair() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization").clone();
    let first = log_in(&world, &organization, "lin").await["refresh_token"].clone();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (organization, first) = (organization.clone(), first.clone());
            tokio::spawn(async move { refresh(&organization, &first).await })
        })
        .collect();
    let mut next = Vec::new();
    for task in tasks {
        let (status, body) = task.await.unwrap();
        assert_eq!(status, 200, "{body}");
        next.push(body["refresh_token"].clone());
    }
    next.dedup();
    assert_eq!(next.len(), 1);
    assert_eq!(refresh(&organization, &next[0]).await.0, 200);
}

#[tokio::test]
async fn a_refreshed_token_has_the_rights_of_now() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let session = log_in(&world, organization, "lin").await;
    change(&world, "lin", Change::Promoted).await;
    assert_eq!(code(&get_me(organization, &session["token"]).await), (401, "rights_changed"));
    let (status, refreshed) = refresh(organization, &session["refresh_token"]).await;
    assert_eq!((status, &refreshed["member"]["role"]), (200, &json!("admin")));
    let tokens = TokenVerifier::from_jwks(&world.keys.jwks).unwrap();
    let (before, after) = (claims(&tokens, &session["token"], &world), claims(&tokens, &refreshed["token"], &world));
    assert_eq!((after.role.map(|role| role.name()), after.rights), (Some("admin"), 1));
    assert_eq!((after.sid, after.auth, after.crd), (before.sid, before.auth, before.crd), "a refresh is no login");
}

fn claims(tokens: &TokenVerifier, token: &Value, world: &World) -> edge::token::TokenClaims {
    tokens.verify(token.as_str().unwrap(), world.clock.now()).unwrap()
}

#[tokio::test]
async fn nobody_without_rights_is_refreshed_also_not_when_they_are_back() {
    for how in [Change::Disabled, Change::Removed] {
        let (world, functions) = stage().await;
        let organization = functions.router("organization");
        let session = log_in(&world, organization, "lin").await;
        change(&world, "lin", how).await;
        assert_eq!(code(&refresh(organization, &session["refresh_token"]).await), (401, "session_ended"), "{how:?}");
        assert!(sessions(&world).await.is_empty());
    }
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let session = log_in(&world, organization, "lin").await;
    change(&world, "lin", Change::Disabled).await;
    change(&world, "lin", Change::Enabled).await;
    assert_eq!(code(&refresh(organization, &session["refresh_token"]).await), (401, "session_ended"));
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_a_minute_and_later_it_is_a_copy() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let first = log_in(&world, organization, "lin").await["refresh_token"].clone();
    let (_, second) = refresh(organization, &first).await;
    world.clock.advance(REPEAT_MS);
    assert_eq!(refresh(organization, &first).await.1["refresh_token"], second["refresh_token"]);
    world.clock.advance(1);
    assert_eq!(code(&refresh(organization, &first).await), (401, "session_ended"));
    assert_eq!(code(&refresh(organization, &second["refresh_token"]).await), (401, "session_ended"));
}

#[tokio::test]
async fn an_old_login_lets_in_staff_and_no_admin() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    crate::http::add_seats(&world, 9).await;
    let (old, new) = (world.token_of_login("boss", FRESH_LOGIN_MS + 1_000), world.token("boss"));
    let post = async |path: &str, token: &str, key: &str, role: &str| {
        let body = if path == "/v1/members" {
            json!({"name": "新人", "position": "", "role": role})
        } else {
            json!({"uses": 1, "role": role})
        };
        send(organization, ("POST", path), (Some(token), Some(key)), Some(body)).await
    };
    for path in ["/v1/members", "/v1/invitations"] {
        let before = table(&world).await;
        assert_eq!(code(&post(path, &old, "key-of-an-admin", "admin").await), (403, "fresh_login_required"), "{path}");
        assert!(table(&world).await == before, "{path} has written");
        assert_eq!(post(path, &old, "key-of-staff", "staff").await.0, 201, "{path}");
        assert_eq!(post(path, &new, "key-of-an-admin", "admin").await.0, 201, "{path}");
    }
}

#[tokio::test]
async fn a_claim_code_for_another_role_lets_nobody_in() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    crate::http::add_seats(&world, 9).await;
    let boss = world.token("boss");
    let body = json!({"name": "新人", "position": "", "role": "staff"});
    let added = send(organization, ("POST", "/v1/members"), (Some(&boss), Some("key-of-staff")), Some(body)).await.1;
    let path = format!("/v1/members/{}/role", added["member"]["id"].as_str().unwrap());
    let body = Some(json!({"role": "admin"}));
    assert_eq!(send(organization, ("PUT", &path), (Some(&boss), None), body).await.0, 200);
    let claim = json!({"appid": world.appid.as_str(), "code": "newcomer", "claim_code": added["claim_code"]});
    let answer = send(organization, ("POST", "/v1/sessions"), (None, None), Some(claim)).await;
    assert_eq!(code(&answer), (422, "claim_code_invalid"));
}

#[tokio::test]
async fn a_forged_refresh_token_is_refused_before_anything_is_read() {
    let (mut world, functions) = stage().await;
    let token = log_in(&world, functions.router("organization"), "lin").await["refresh_token"].clone();
    // A table that does not exist: a read would be a 5xx.
    world.table = "absent".to_owned();
    let functions = Functions::on(&world).await;
    let organization = functions.router("organization");
    let text = token.as_str().unwrap();
    for forged in [format!("{}A", &text[..text.len() - 1]), format!("B{}", &text[1..]), "x".to_owned(), String::new()] {
        assert_eq!(code(&refresh(organization, &json!(forged)).await), (401, "session_ended"), "{forged}");
    }
    assert!(refresh(organization, &token).await.0 >= 500, "the right one is looked up");
}

#[tokio::test]
async fn a_member_has_twenty_sessions_and_an_unused_one_ends_after_thirty_days() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    world.clock.advance(1);
    let first = log_in(&world, organization, "lin").await;
    for _ in 0..SESSIONS_MAX - 1 {
        world.clock.advance(1);
        log_in(&world, organization, "lin").await;
    }
    // The session of the world's own tokens was the longest unused.
    assert_eq!(sessions(&world).await.len(), SESSIONS_MAX);
    let (status, used) = refresh(organization, &first["refresh_token"]).await;
    assert_eq!(status, 200);
    world.clock.advance(1);
    let replaced = log_in(&world, organization, "lin").await;
    assert_eq!(sessions(&world).await.len(), SESSIONS_MAX);
    assert_eq!(refresh(organization, &used["refresh_token"]).await.0, 200, "it was used last");
    let body = json!({"appid": world.appid.as_str(), "code": "lin", "refresh_token": replaced["refresh_token"]});
    let (status, _) = send(organization, ("POST", "/v1/sessions"), (None, None), Some(body)).await;
    assert_eq!((status, sessions(&world).await.len()), (201, SESSIONS_MAX));
    assert_eq!(code(&refresh(organization, &replaced["refresh_token"]).await), (401, "session_ended"));
    world.clock.advance(SESSION_IDLE_MS);
    assert!(sessions(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_logins_keep_the_limit_of_sessions() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization").clone();
    for round in 0..3 {
        let body = json!({"appid": world.appid.as_str(), "code": "lin"});
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let (organization, body) = (organization.clone(), body.clone());
                tokio::spawn(
                    async move { send(&organization, ("POST", "/v1/sessions"), (None, None), Some(body)).await.0 },
                )
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 201);
        }
        assert_eq!(sessions(&world).await.len(), SESSIONS_MAX.min(1 + 10 * (round + 1)));
    }
}

#[tokio::test]
async fn sessions_are_listed_in_pages_with_the_current_one_marked() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    world.clock.advance(1);
    let body = json!({"appid": world.appid.as_str(), "code": "lin", "device": "小李的手机"});
    let (_, phone) = send(organization, ("POST", "/v1/sessions"), (None, None), Some(body)).await;
    world.clock.advance(1);
    let tablet = log_in(&world, organization, "lin").await;
    let list = async |query: &str| {
        let path = format!("/v1/my/sessions{query}");
        send(organization, ("GET", &path), (tablet["token"].as_str(), None), None).await.1
    };
    let page = list("?limit=2").await;
    let shown = |page: &Value| {
        let item = |item: &Value| (item["device"].as_str().unwrap().to_owned(), item["current"].as_bool().unwrap());
        page["items"].as_array().unwrap().iter().map(item).collect::<Vec<_>>()
    };
    assert_eq!(shown(&page), [(String::new(), true), ("小李的手机".to_owned(), false)]);
    let rest = list(&format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((shown(&rest), &rest["next_cursor"]), (vec![(String::new(), false)], &Value::Null));
    let path = format!("/v1/my/sessions/{}", page["items"][1]["id"].as_str().unwrap());
    assert_eq!(send(organization, ("DELETE", &path), (tablet["token"].as_str(), None), None).await.0, 204);
    assert_eq!(code(&refresh(organization, &phone["refresh_token"]).await), (401, "session_ended"));
    assert_eq!(code(&get_me(organization, &tablet["token"]).await), (401, "rights_changed"), "every token ends");
    assert_eq!(refresh(organization, &tablet["refresh_token"]).await.0, 200, "and the others go on");
}

#[tokio::test]
async fn sessions_of_others_are_ended_by_the_role_table_and_audited() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    change(&world, "chen", Change::Promoted).await;
    let (boss, admin) = (world.token("boss"), world.token_of_now("chen").await);
    let end = async |by: &str, of: &str| {
        let path = format!("/v1/members/{}/sessions", world.staff[of].member);
        send(organization, ("DELETE", &path), (Some(by), None), None).await
    };
    assert_eq!(code(&end(&admin, "boss").await), (403, "role_required"));
    let session = log_in(&world, organization, "lin").await;
    assert_eq!(end(&admin, "lin").await.0, 204);
    assert_eq!(code(&refresh(organization, &session["refresh_token"]).await), (401, "session_ended"));
    assert_eq!(code(&get_me(organization, &session["token"]).await), (401, "rights_changed"));
    world.clock.advance(1);
    assert_eq!(end(&boss, "chen").await.0, 204);
    assert_eq!(code(&end(&admin, "wang").await), (401, "rights_changed"), "the admin's tokens have ended, too");
    let path = ("GET", "/v1/audit-log?action=sessions_ended");
    let (_, log) = send(organization, path, (Some(&boss), None), None).await;
    let targets: Vec<_> = log["items"].as_array().unwrap().iter().map(|entry| entry["target"].clone()).collect();
    assert_eq!(targets, [json!(world.staff["chen"].member), json!(world.staff["lin"].member)]);
}

#[tokio::test]
async fn a_write_since_the_sessions_were_read_is_noticed() {
    let world = World::new().await;
    let (member, read) = world.store.member_and_sessions(world.company, world.staff["lin"].member).await.unwrap();
    let ended = read.chosen(domain::people::session::SessionChoice::All, world.clock.now()).unwrap();
    let end =
        async |read: &MemberSessions| world.store.end_sessions(world.company, &member, (read, &ended), None).await;
    assert_eq!(end(&read).await, Ok(()));
    assert_eq!(end(&read).await, Err(domain::kernel::failure::Failure::Busy));
}

#[tokio::test]
async fn what_asks_for_a_fresh_login_is_refused_five_minutes_after_it() {
    let (world, functions) = stage().await;
    let organization = functions.router("organization");
    let path = format!("/v1/members/{}/role", world.staff["lin"].member);
    let promote = async |token: &Value| {
        let body = Some(json!({"role": "admin"}));
        send(organization, ("PUT", &path), (token.as_str(), None), body).await
    };
    let login = log_in(&world, organization, "boss").await;
    world.clock.advance(FRESH_LOGIN_MS - 1_000);
    let (_, fresh) = refresh(organization, &login["refresh_token"]).await;
    assert_eq!(promote(&fresh["token"]).await.0, 200);
    world.clock.advance(2_000);
    let before = table(&world).await;
    assert_eq!(code(&promote(&fresh["token"]).await), (403, "fresh_login_required"));
    assert!(table(&world).await == before);
    let again = log_in(&world, organization, "boss").await;
    assert_eq!(promote(&again["token"]).await.0, 200);
}
