//! Every file of `events/` is answered as its name promises.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsEvent;
use domain::counter::Scope;
use domain::day::Day;
use runtime::batch::{Delivery, Reason};
use runtime::dead_letters::DeadLetters;
use testkit::events::{all, call, load};
use testkit::world::World;

use crate::functions::Functions;

/// Answers that are not the first success of their kind: status and problem code.
const REFUSALS: &[(&str, (u16, &str))] = &[
    ("create_company.without_operator_key", (401, "unauthorized")),
    ("create_session.used_code", (401, "login_code_invalid")),
    ("create_member.by_staff", (403, "role_required")),
    ("create_member.without_idempotency_key", (400, "idempotency_key_required")),
    ("create_session.unknown_invitation", (422, "invitation_invalid")),
    ("create_session.two_codes", (422, "invalid")),
    ("create_invitation.by_staff", (403, "role_required")),
    ("create_invitation.too_many_seats", (409, "seats_exhausted")),
    ("get_invitation.unknown", (404, "not_found")),
    ("revoke_invitation.unknown", (404, "not_found")),
    ("list_join_requests.by_staff", (403, "role_required")),
    ("decide_join_request.unknown", (404, "not_found")),
    ("create_claim_code.of_who_has_joined", (409, "already_member")),
    ("update_member_successor.of_who_is_here", (409, "member_active")),
    ("update_member.blank_name", (422, "invalid")),
    ("update_member.unknown", (404, "not_found")),
    ("update_member_status.unknown", (422, "invalid")),
    ("update_member_status.of_oneself", (403, "role_required")),
    ("update_member_role.by_staff", (403, "role_required")),
    ("list_audit_log.by_staff", (403, "role_required")),
    ("grant_my_phone.used_code", (422, "phone_code_invalid")),
    ("grant_my_phone.anonymous", (403, "login_required")),
    ("list_merges.by_staff", (403, "role_required")),
    ("undo_merge.by_staff", (403, "role_required")),
    ("undo_merge.unknown", (404, "not_found")),
    ("list_my_cards.anonymous", (403, "login_required")),
    ("create_department.by_staff", (403, "role_required")),
    ("create_department.unknown_parent", (404, "not_found")),
    ("update_department.unknown", (404, "not_found")),
    ("delete_department.unknown", (404, "not_found")),
    ("update_member_department.unknown", (404, "not_found")),
    ("list_directory.unknown_department", (404, "not_found")),
    ("update_company.by_staff", (403, "role_required")),
    ("update_wecom.with_secret", (422, "invalid")),
    ("create_session.other_company", (404, "not_found")),
    ("update_greeting.by_staff", (403, "role_required")),
    ("grant_radar.by_staff", (403, "role_required")),
    ("create_radar_code.not_granted", (409, "radar_not_granted")),
    ("create_radar_redemption.wrong_code", (422, "radar_code_wrong")),
    ("create_radar_join.unknown_ticket", (422, "radar_ticket_invalid")),
    ("create_card.has_one", (409, "card_exists")),
    ("get_card.without_token", (401, "unauthorized")),
    ("update_card.locked_field", (403, "field_locked")),
    ("update_card.eleventh_tag", (422, "invalid")),
    ("update_card.unknown_style", (422, "invalid")),
    ("update_card.of_somebody_else", (403, "role_required")),
    ("update_card_avatar.of_another_purpose", (422, "invalid")),
    ("update_card_photos.of_somebody_else", (403, "role_required")),
    ("update_card_video.outdated", (409, "version_conflict")),
    ("update_product_voice.of_somebody_else", (422, "invalid")),
    ("create_upload.too_large", (422, "invalid")),
    ("create_upload.of_somebody_else", (403, "role_required")),
    ("create_upload.by_visitor", (403, "role_required")),
    ("get_upload.of_somebody_else", (404, "not_found")),
    ("get_card_template.by_visitor", (403, "role_required")),
    ("update_card_template.by_staff", (403, "role_required")),
    ("update_card_template.outdated", (409, "version_conflict")),
    ("create_share_code.unknown_channel", (422, "invalid")),
    ("get_share_code.unknown", (404, "not_found")),
    ("list_my_phrases.unknown_book", (404, "not_found")),
    ("update_phrases.by_staff", (403, "role_required")),
    ("update_my_shortcuts.without_wechat_id", (422, "invalid")),
    ("update_card_identity.by_owner", (403, "role_required")),
    ("record_events.unknown_kind", (422, "invalid")),
    ("record_events.unknown_card", (404, "not_found")),
    ("get_card_feed.of_a_colleague", (404, "not_found")),
    ("get_card_behaviour.of_the_lifetime", (400, "invalid_query")),
    ("get_company_objects.of_cards", (400, "invalid_query")),
    ("get_card_customers.unknown_band", (400, "invalid_query")),
    // Nobody has done anything yet.
    ("get_card_customer", (404, "not_found")),
    ("get_card_customer.of_a_colleague", (404, "not_found")),
    ("get_company_customer", (404, "not_found")),
    ("get_company_customer.unknown", (404, "not_found")),
    ("set_close_rate.above_100", (422, "invalid")),
    ("set_close_rate.of_a_colleague", (404, "not_found")),
    ("clear_close_rate", (204, "")),
    ("create_deal.to_come", (422, "invalid")),
    ("delete_deal.unknown", (404, "not_found")),
    ("get_rankings.unknown_metric", (400, "invalid_query")),
    ("get_rankings.of_unknown_department", (404, "not_found")),
    ("get_card_days.wrong_way_round", (400, "invalid_query")),
    ("get_card_feed.unknown_kind", (400, "invalid_query")),
    ("get_company_metrics.by_staff", (404, "not_found")),
    ("get_department_metrics.unknown", (404, "not_found")),
    ("get_department_today.unknown", (404, "not_found")),
    ("get_department_days.unknown", (404, "not_found")),
    ("get_department_behaviour.unknown", (404, "not_found")),
    ("get_department_filtered.unknown", (404, "not_found")),
    ("get_recount.by_staff", (404, "not_found")),
    ("get_close_rate_model.by_staff", (404, "not_found")),
];

fn success(case: &str) -> u16 {
    match case.split('_').next() {
        Some("create" | "add") => 201,
        Some("record") => 202,
        _ => 200,
    }
}

#[tokio::test]
async fn every_http_event_is_answered_as_promised() {
    let mut refusals: BTreeMap<_, _> = REFUSALS.iter().copied().collect();
    for function in ["organization", "card", "tracking", "radar", "crm", "video"] {
        for case in all(function) {
            // A world of its own for each: none depends on another's effect.
            let world = World::new().await;
            let functions = Functions::on(&world).await;
            if function == "crm" {
                // It is about who has been there.
                let aggregator = crate::aggregator::aggregator(&world, Shelf::default());
                let visit = serde_json::from_str(&load("radar-aggregator", "stats", &world)).unwrap();
                radar_aggregator::handle(&aggregator, visit, "r").await;
            }
            let (status, body) = call(functions.router(function), &load(function, &case, &world)).await;
            let (expected, code) = refusals.remove(case.as_str()).unwrap_or((success(&case), ""));
            assert_eq!((status, body["code"].as_str().unwrap_or("")), (expected, code), "{function}/{case}: {body}");
        }
    }
    assert!(refusals.is_empty(), "no file for {refusals:?}");
}

/// Keeps what is put aside.
#[derive(Debug, Default)]
pub(crate) struct Shelf(pub(crate) std::sync::Mutex<Vec<(String, &'static str)>>);

impl DeadLetters for Shelf {
    async fn put_aside(&self, delivery: &Delivery, reason: &Reason) -> Result<(), ()> {
        self.0.lock().unwrap().push((delivery.id.clone(), reason.code));
        Ok(())
    }
}

#[tokio::test]
async fn every_queue_event_is_counted_or_put_aside_as_promised() {
    for (case, forwards, put_aside) in
        [("stats", 1, None), ("stats.delivered_twice", 1, None), ("stats.poison", 1, Some("unknown_version"))]
    {
        let world = World::new().await;
        let aggregator = crate::aggregator::aggregator(&world, Shelf::default());
        let event: SqsEvent = serde_json::from_str(&load("radar-aggregator", case, &world)).unwrap();
        let response = radar_aggregator::handle(&aggregator, event, "r").await;
        assert!(response.batch_item_failures.is_empty(), "{case}");
        let today = Day::of(world.clock.now());
        let counts = world.store.counters(world.company, Scope::Company, today).await.unwrap();
        let metrics = counts.metrics(domain::day::Window::Total, today);
        assert_eq!((metrics.forwards, metrics.visitors), (forwards, 1), "{case}");
        let reasons: Vec<_> = aggregator.dead.0.lock().unwrap().iter().map(|(_, reason)| *reason).collect();
        assert_eq!(reasons, Vec::from_iter(put_aside), "{case}");
    }
    assert_eq!(all("radar-aggregator"), ["stats", "stats.delivered_twice", "stats.poison"]);
}

#[tokio::test]
async fn every_event_of_a_live_socket_is_answered_as_promised() {
    let promised = BTreeMap::from([
        ("connect", None),
        ("disconnect", None),
        ("handshake", None),
        ("handshake.of_a_visitor", None),
        ("live", Some("events")),
        ("live.poison", Some("events")),
        ("ping", Some("pong")),
        ("resume", Some("hello")),
        ("resume.outdated", Some("reset")),
        ("unknown_action", Some("error")),
    ]);
    assert_eq!(all("live"), promised.keys().copied().collect::<Vec<_>>());
    for (case, frame) in promised {
        let world = World::new().await;
        let live = crate::live::function(&world);
        let call = async |case: &str| {
            let trigger = serde_json::from_str(&load("live", case, &world)).unwrap();
            live::handle(&live, trigger, "r").await
        };
        call("connect").await;
        let answer = call(case).await;
        match case.split('.').next() {
            Some("handshake") => {
                let effect = if case == "handshake" { "Allow" } else { "Deny" };
                assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], effect, "{case}");
                let context = answer["context"].as_object().unwrap();
                assert!(effect == "Deny" || context["card"] == world.card("lin").to_string(), "{case}: {answer}");
            }
            Some("live") => assert_eq!(answer["batchItemFailures"], serde_json::json!([]), "{case}"),
            _ => assert_eq!(answer["statusCode"], 200, "{case}: {answer}"),
        }
        let frames = live.sockets.take("L0SM9cOFvHcCIhw=");
        let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, Vec::from_iter(frame), "{case}");
        let put_aside: Vec<_> = live.dead.0.lock().unwrap().iter().map(|(_, reason)| *reason).collect();
        assert_eq!(put_aside, if case == "live.poison" { vec!["unknown_version"] } else { vec![] }, "{case}");
    }
}
