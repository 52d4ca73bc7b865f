//! Every file of `events/` gets the answer in its row, or in this file.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsEvent;
use domain::kernel::day::Day;
use domain::radar::counter::Scope;
use runtime::delivery::{Delivery, Reason};
use runtime::failed_messages::FailedMessages;
use testkit::events::{all, call, http_functions, load, prepared, row};
use testkit::world::World;

use crate::functions::Functions;

#[tokio::test]
async fn every_http_event_is_answered_as_its_row_promises() {
    let functions = http_functions();
    assert!(!functions.is_empty());
    for function in functions {
        for case in all(&function) {
            let row = row(&function, &case).unwrap_or_else(|| panic!("{function}/{case} needs an object expect"));
            // Each file has its own world: no file depends on the effects of another.
            let world = World::new().await;
            let functions = Functions::on(&world).await;
            if row.visited {
                let aggregator = crate::aggregator::aggregator(&world, KeptDeadLetters::default());
                let visit = serde_json::from_str(&load("radar-aggregator", "stats", &world)).unwrap();
                radar_aggregator::handle(&aggregator, visit, "r").await;
            }
            let payload = prepared(&case, &world, &|name| functions.router(name).clone()).await;
            let (status, body) = call(functions.router(&function), &payload).await;
            let code = if status < 400 { "" } else { body["code"].as_str().unwrap_or("") };
            assert_eq!((status, code), (row.status, row.code.as_str()), "{function}/{case}: {body}");
        }
    }
}

/// Keeps the dead letters. What is to be shown again, nobody asks for here.
#[derive(Debug, Default)]
pub(crate) struct KeptDeadLetters(pub(crate) std::sync::Mutex<Vec<(String, &'static str)>>);

impl FailedMessages for KeptDeadLetters {
    async fn send_to_dlq(&self, delivery: &Delivery, reason: &Reason) -> Result<(), ()> {
        self.0.lock().unwrap().push((delivery.id.clone(), reason.code));
        Ok(())
    }

    async fn show_again(&self, _: &[(&Delivery, std::time::Duration)]) {}
}

#[tokio::test]
async fn every_queue_event_is_counted_or_goes_to_the_dead_letters_as_promised() {
    for (case, forwards, send_to_dlq) in
        [("stats", 1, None), ("stats.delivered_twice", 1, None), ("stats.poison", 1, Some("unknown_version"))]
    {
        let world = World::new().await;
        let aggregator = crate::aggregator::aggregator(&world, KeptDeadLetters::default());
        let event: SqsEvent = serde_json::from_str(&load("radar-aggregator", case, &world)).unwrap();
        let response = radar_aggregator::handle(&aggregator, event, "r").await;
        assert!(response.batch_item_failures.is_empty(), "{case}");
        let today = Day::of(world.clock.now());
        let counts = world.store.counters(world.company, Scope::Company, today).await.unwrap();
        let metrics = counts.metrics(domain::kernel::day::Window::Total, today);
        assert_eq!((metrics.forwards, metrics.visitors), (forwards, 1), "{case}");
        let reasons: Vec<_> = aggregator.failed.0.lock().unwrap().iter().map(|(_, reason)| *reason).collect();
        assert_eq!(reasons, Vec::from_iter(send_to_dlq), "{case}");
    }
    assert_eq!(all("radar-aggregator"), ["stats", "stats.delivered_twice", "stats.poison"]);
}

#[tokio::test]
async fn every_event_of_a_live_socket_is_answered_as_promised() {
    let promised = BTreeMap::from([
        ("close", None),
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
        let live = crate::screens::function(&world);
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
            Some("live" | "close") => assert_eq!(answer["batchItemFailures"], serde_json::json!([]), "{case}"),
            _ => assert_eq!(answer["statusCode"], 200, "{case}: {answer}"),
        }
        let frames = live.sockets.take("L0SM9cOFvHcCIhw=");
        let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, Vec::from_iter(frame), "{case}");
        let send_to_dlq: Vec<_> = live.failed.0.lock().unwrap().iter().map(|(_, reason)| *reason).collect();
        assert_eq!(send_to_dlq, if case == "live.poison" { vec!["unknown_version"] } else { vec![] }, "{case}");
    }
}
