//! From the request to the radar, through a real queue.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use runtime::delivery::Delivery;
use runtime::failed_messages::{FailedMessageQueues, FailedMessages};
use serde_json::{Value, json};
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::aggregator;
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, tracking};

/// Takes the messages of tracking off a queue, as a Lambda event.
pub(crate) async fn receive(functions: &Functions, url: &str) -> SqsEvent {
    let (sqs, _) = &functions.queue;
    let received =
        sqs.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(5).send().await.unwrap();
    let record = |message: &aws_sdk_sqs::types::Message| json!({"messageId": message.message_id, "body": message.body, "attributes": {}});
    let records: Vec<Value> = received.messages().iter().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

#[tokio::test]
async fn events_of_a_visitor_are_on_the_radar_of_the_cards_owner() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let (status, accepted) = call(functions.router("tracking"), &load("tracking", "record_events", &world)).await;
    assert_eq!((status, &accepted["accepted"]), (202, &json!(3)), "{accepted}");

    let event = receive(&functions, &functions.queue.1).await;
    assert_eq!(event.records.len(), 1, "one message a batch");
    let live = receive(&functions, &functions.live_queue).await;
    assert_eq!(live.records[0].body, event.records[0].body, "the live radar gets the same");
    radar_aggregator::handle(&aggregator(&world, KeptDeadLetters::default()), event, "r").await;

    let (_, feed) = call(functions.router("radar"), &load("radar", "get_card_feed", &world)).await;
    let lines: Vec<_> = feed["items"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert!(lines.iter().any(|line| line.ends_with("查看了商品《新会陈皮普洱·十年陈》")), "{feed}");
    let (_, company_feed) = call(functions.router("radar"), &load("radar", "get_company_feed", &world)).await;
    assert_eq!(company_feed["items"], feed["items"]);
    let (_, today) = call(functions.router("radar"), &load("radar", "get_card_today", &world)).await;
    assert_eq!((&today["visitors"], &today["views"], &today["dwell_ms"]), (&json!(1), &json!(2), &json!(31_500)));
    let (_, cards) = call(functions.router("card"), &load("card", "list_my_cards", &world)).await;
    assert_eq!(cards["default_card_id"], json!(world.card("lin").to_string()));
}

#[tokio::test]
async fn a_batch_is_accepted_once_it_is_counted_whether_shown_live_or_not() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let (sqs, url) = &functions.queue;
    let missing = format!("{url}-missing");
    let event = load("tracking", "record_events", &world);
    let (status, _) = call(&tracking(&world, sqs, url, &missing), &event).await;
    assert_eq!((status, receive(&functions, url).await.records.len()), (202, 1));
    let (status, _) = call(&tracking(&world, sqs, &missing, &functions.live_queue), &event).await;
    assert_eq!(status, 503, "it comes again, and the live radar knows a repeat");
}

#[tokio::test]
async fn what_others_were_in_the_way_of_is_shown_again_after_its_pause() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let (sqs, url) = &functions.queue;
    let (status, _) = call(functions.router("tracking"), &load("tracking", "record_events", &world)).await;
    assert_eq!(status, 202);
    let receive = async |wait: i32| {
        let asked = sqs.receive_message().queue_url(url).visibility_timeout(600).wait_time_seconds(wait);
        asked.send().await.unwrap().messages.unwrap_or_default()
    };
    let first = receive(5).await;
    let delivery = Delivery {
        id: String::new(),
        receipt: first[0].receipt_handle.clone().unwrap(),
        body: String::new(),
        attempts: 1,
    };
    // Another queue does not know it: that is logged, and nothing else happens.
    let other = FailedMessageQueues::new(sqs.clone(), functions.live_queue.clone(), url.clone());
    other.show_again(&[(&delivery, Duration::from_secs(1))]).await;
    assert!(receive(2).await.is_empty(), "it rests for ten minutes");
    let queues = FailedMessageQueues::new(sqs.clone(), url.clone(), url.clone());
    queues.show_again(&[(&delivery, Duration::from_secs(1))]).await;
    let again = receive(10).await;
    assert_eq!((again.len(), &again[0].body), (1, &first[0].body));
}
