//! The secret of the organization function: fetched once, by the first request that needs it, and
//! again after a failure.

use axum::Router;
use serde_json::Value;
use testkit::events::{call, load};
use testkit::world::World;

use crate::functions::organization_with;

/// The function with its keys in the secret of this name.
async fn start(secret: &str) -> (World, Router) {
    let world = World::new().await;
    let router = organization_with(&world, secret, "sms").await;
    (world, router)
}

/// Answers the request of an event file.
async fn ask(world: &World, router: &Router, file: &str) -> (u16, Value) {
    call(router, &load("organization", file, world)).await
}

#[tokio::test]
async fn requests_that_need_no_key_are_answered_without_the_secret() {
    let (world, router) = start("absent").await;
    for file in ["get_me", "get_seats", "list_members", "create_department"] {
        let (status, body) = ask(&world, &router, file).await;
        assert!(status < 300, "{file}: {status} {body}");
    }
    assert_eq!(ask(&world, &router, "create_company.without_operator_key").await.0, 401, "the caller is unknown");
}

#[tokio::test]
async fn requests_that_need_a_key_are_unavailable_without_the_secret() {
    // The secret of this other name exists, but is not JSON.
    for secret in ["absent", "malformed"] {
        let (world, router) = start(secret).await;
        for file in ["create_session", "create_company", "create_member", "create_invitation", "get_radar_qr"] {
            let (status, body) = ask(&world, &router, file).await;
            assert_eq!((status, body["code"].as_str()), (503, Some("unavailable")), "{file}: {body}");
            assert!(!body.to_string().contains(secret), "{body}");
        }
    }
}

#[tokio::test]
async fn after_a_failure_the_next_request_asks_again() {
    let (world, router) = start("late").await;
    assert_eq!(ask(&world, &router, "create_company").await.0, 503);
    assert_eq!(ask(&world, &router, "create_company").await.0, 201);
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_question_and_later_ones_its_answer() {
    let (world, router) = start("once").await;
    let ask = |file| ask(&world, &router, file);
    let (login, qr, company) = tokio::join!(ask("create_session"), ask("get_radar_qr"), ask("create_company"));
    assert_eq!([login.0, qr.0, company.0], [201, 200, 201]);
    assert_eq!(ask("create_session").await.0, 201);
}
