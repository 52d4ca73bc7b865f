//! Invitations on DynamoDB Local: an invitation admits as many people as its limit, and every seat
//! is accounted for under concurrent requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use domain::company::audit::{AuditAction, AuditFilter};
use domain::company::quota::Quota;
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use serde_json::{Value, json};
use store::QuotaName;
use testkit::world::World;

use crate::functions::{housekeeping, no_stop, organization};
use crate::http::{add_seats, invite, join, log_in, members, seat_balance, send};

const HOUR_MS: i64 = 3_600 * SECOND_MS;

async fn start() -> (Arc<World>, Router) {
    let world = Arc::new(World::new().await);
    let router = organization(&world, "sms").await;
    (world, router)
}

/// The number of each answer: the problem code, or `member` or `visitor`.
async fn joins(world: &Arc<World>, router: &Router, n: usize, invitation: &Value) -> BTreeMap<String, usize> {
    let tasks = (0..n).map(|n| {
        let (world, router, invitation) = (Arc::clone(world), router.clone(), invitation.clone());
        tokio::spawn(async move { join(&world, &router, &format!("joiner-{n}"), &invitation).await })
    });
    let mut answers = BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        let (status, body) = task.await.unwrap();
        let answer = if status == 201 { &body["kind"] } else { &body["code"] };
        *answers.entry(answer.as_str().unwrap().to_owned()).or_default() += 1;
    }
    answers
}

async fn revoke(world: &World, router: &Router, invitation: &Value) -> Value {
    let path = format!("/v1/invitations/{}", invitation["invitation"]["id"].as_str().unwrap());
    let (status, body) = send(router, ("DELETE", &path), (Some(&world.token("boss")), None), None).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn state(world: &World, router: &Router, invitation: &Value) -> (String, u64) {
    let path = format!("/v1/invitations/{}", invitation["invitation"]["id"].as_str().unwrap());
    let (_, body) = send(router, ("GET", &path), (Some(&world.token("boss")), None), None).await;
    (body["state"].as_str().unwrap().to_owned(), body["used"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_parallel_joins_on_a_link_for_ten_ten_become_members() {
    let (world, router) = start().await;
    add_seats(&world, 20).await;
    let link = invite(&world, &router, "link-for-ten", json!({"uses": 10, "role": "staff"})).await;
    assert_eq!(seat_balance(&world).await, Quota { available: 16, reserved: 10, used: 4 });
    let answers = joins(&world, &router, 100, &link).await;
    assert_eq!(answers, BTreeMap::from([("invitation_used_up".to_owned(), 90), ("member".to_owned(), 10)]));
    assert_eq!(seat_balance(&world).await, Quota { available: 16, reserved: 0, used: 14 });
    let joined: Vec<_> =
        members(&world).await.into_iter().filter(|member| member.name.as_str().starts_with("joiner")).collect();
    let people: BTreeSet<_> = joined.iter().map(|member| member.person.unwrap()).collect();
    assert_eq!((joined.len(), people.len()), (10, 10), "nobody twice");
    assert!(joined.iter().all(|member| member.card.is_some()), "who joins has a card");
    let log = world.store.audit_log(world.company, &AuditFilter::default(), None, 100).await.unwrap().items;
    let entries = log.iter().filter(|line| line.action == AuditAction::MemberJoined).count();
    assert_eq!(entries, 10);
}

#[tokio::test]
async fn an_invitation_for_more_than_the_free_seats_is_refused_until_expired_ones_are_freed() {
    let (world, router) = start().await;
    let make = async |key: &str, uses: u32| {
        let boss = world.token("boss");
        let body = json!({"uses": uses, "role": "staff", "expires_in_hours": 1});
        send(&router, ("POST", "/v1/invitations"), (Some(&boss), Some(key)), Some(body)).await
    };
    let (status, refused) = make("key-of-seven", 7).await;
    assert_eq!((status, &refused["code"]), (409, &json!("seats_exhausted")));
    assert_eq!(seat_balance(&world).await, Quota { available: 6, reserved: 0, used: 4 });
    let (_, first) = make("key-of-six", 6).await;
    assert_eq!(make("key-of-six", 6).await.1, first, "a retry shows the same code and holds nothing more");
    assert_eq!(make("key-of-one", 1).await.0, 409);
    world.clock.advance(HOUR_MS);
    assert_eq!(make("key-of-one", 1).await.0, 201, "the seats of the expired one are free");
    assert_eq!(seat_balance(&world).await, Quota { available: 5, reserved: 1, used: 4 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_that_expires_while_people_join_lets_in_who_came_before() {
    let (world, router) = start().await;
    add_seats(&world, 60).await;
    let link =
        invite(&world, &router, "link-that-ends", json!({"uses": 60, "role": "staff", "expires_in_hours": 1})).await;
    world.clock.advance(HOUR_MS - 30);
    let tasks = (0..6).map(|worker| {
        let (world, router, link) = (Arc::clone(&world), router.clone(), link.clone());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for n in 0..10 {
                answers.push(join(&world, &router, &format!("joiner-{worker}-{n}"), &link).await);
                world.clock.advance(1);
                let swept = world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await;
                assert!(matches!(swept, Ok(_) | Err(Failure::Busy)), "{swept:?}");
            }
            answers
        })
    });
    let (mut joined, mut refused) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        for answer in task.await.unwrap() {
            match answer {
                (201, body) if body["kind"] == "member" => joined += 1,
                (422, body) if body["code"] == "invitation_expired" => refused += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(joined >= 1 && refused >= 1 && joined + refused == 60, "{joined} joined, {refused} refused");
    assert_eq!(seat_balance(&world).await.used, 4 + joined);
    world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap();
    assert_eq!(seat_balance(&world).await, Quota { available: 66 - joined, reserved: 0, used: 4 + joined });
    assert_eq!(state(&world, &router, &link).await, ("expired".to_owned(), u64::try_from(joined).unwrap()));
}

#[tokio::test]
async fn nobody_joins_after_the_expiry_though_nothing_was_swept_and_the_sweep_frees_the_rest() {
    let (world, router) = start().await;
    let link = invite(&world, &router, "link-of-a-week", json!({"uses": 3, "role": "staff"})).await;
    let full = invite(&world, &router, "link-for-one", json!({"uses": 1, "role": "staff"})).await;
    assert_eq!(join(&world, &router, "first", &link).await.1["kind"], "member");
    assert_eq!(join(&world, &router, "only", &full).await.1["kind"], "member");
    world.clock.advance(7 * DAY_MS - 1);
    assert_eq!(join(&world, &router, "second", &link).await.1["kind"], "member");
    world.clock.advance(1);
    assert_eq!(join(&world, &router, "third", &link).await.1["code"], "invitation_expired");
    assert_eq!(seat_balance(&world).await, Quota { available: 2, reserved: 1, used: 7 });
    let housekeeping = housekeeping(&world, 60).await;
    let swept = async || housekeeping.run(no_stop(), "r").await.unwrap().expired_holds;
    assert_eq!((swept().await, swept().await), (2, 0), "a hold of which nothing is left waits no longer either");
    assert_eq!(seat_balance(&world).await, Quota { available: 3, reserved: 0, used: 7 });
    assert_eq!(revoke(&world, &router, &link).await["state"], "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_revoked_while_people_join_frees_what_they_have_not_used() {
    let (world, router) = start().await;
    add_seats(&world, 50).await;
    let link = invite(&world, &router, "link-revoked", json!({"uses": 40, "role": "staff"})).await;
    let revoking = (0..3).map(|_| {
        let (world, router, link) = (Arc::clone(&world), router.clone(), link.clone());
        tokio::spawn(async move { revoke(&world, &router, &link).await })
    });
    let tasks: Vec<_> = revoking.collect();
    let answers = joins(&world, &router, 60, &link).await;
    for task in tasks {
        let state = task.await.unwrap()["state"].clone();
        assert!(state == "revoked" || state == "used_up", "{state}");
    }
    let joined = i64::try_from(*answers.get("member").unwrap_or(&0)).unwrap();
    assert_eq!(seat_balance(&world).await, Quota { available: 56 - joined, reserved: 0, used: 4 + joined });
    assert_eq!(answers.values().sum::<usize>(), 60);
    assert_eq!(revoke(&world, &router, &link).await["used"], joined, "revoking again changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_call_again_is_a_plain_session_and_uses_nothing() {
    let (world, router) = start().await;
    let link = invite(&world, &router, "link-for-two", json!({"uses": 2, "role": "staff"})).await;
    let calls = (0..8).map(|_| {
        let (world, router, link) = (Arc::clone(&world), router.clone(), link.clone());
        tokio::spawn(async move { join(&world, &router, "twice", &link).await })
    });
    let mut ids = BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        let (status, body) = call.await.unwrap();
        assert_eq!(status, 201, "{body}");
        ids.insert(body["member"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(state(&world, &router, &link).await, ("open".to_owned(), 1));
    assert_eq!(log_in(&world, &router, "twice").await["member"]["name"], "twice");
    assert_eq!(seat_balance(&world).await, Quota { available: 4, reserved: 1, used: 5 });
}

#[tokio::test]
async fn a_member_who_has_left_does_not_return_by_an_invitation() {
    let (world, router) = start().await;
    let link = invite(&world, &router, "link-for-all", json!({"uses": 3, "role": "staff"})).await;
    let path = format!("/v1/members/{}/status", world.staff["lin"].member);
    let boss = world.token("boss");
    let (status, _) = send(&router, ("PUT", &path), (Some(&boss), None), Some(json!({"status": "left"}))).await;
    assert_eq!(status, 200);
    let (status, refused) = join(&world, &router, "lin", &link).await;
    assert_eq!((status, &refused["code"]), (409, &json!("member_inactive")));
    assert_eq!(log_in(&world, &router, "lin").await["kind"], "visitor");
    assert_eq!(seat_balance(&world).await, Quota { available: 4, reserved: 3, used: 3 });
}

#[tokio::test]
async fn invitations_are_listed_the_latest_first_and_found_by_state() {
    let (world, router) = start().await;
    let mut made = Vec::new();
    for (key, hours) in [("first-of-all", 1), ("second-one", 2), ("third-one", 3), ("fourth-one", 4)] {
        made.push(invite(&world, &router, key, json!({"uses": 1, "role": "admin", "expires_in_hours": hours})).await);
        world.clock.advance(1);
    }
    join(&world, &router, "joins", &made[1]).await;
    revoke(&world, &router, &made[3]).await;
    world.clock.advance(HOUR_MS);
    let found = async |query: &str| {
        let (_, page) =
            send(&router, ("GET", &format!("/v1/invitations{query}")), (Some(&world.token("boss")), None), None).await;
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    let id = |n: usize| made[n]["invitation"]["id"].clone();
    assert_eq!(found("").await, [id(3), id(2), id(1), id(0)]);
    assert_eq!(found("?state=open").await, [id(2)]);
    assert_eq!(found("?state=used_up").await, [id(1)]);
    assert_eq!(found("?state=expired").await, [id(0)]);
    assert_eq!(found("?state=revoked").await, [id(3)]);
    assert_eq!(found("?limit=1").await.len(), 1);
}
