//! The live radar on DynamoDB Local: numbers without gap or repetition, also under repeated and
//! concurrent deliveries, and no write for a card that nobody watches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::radar::live::{CATCH_UP_MAX, KEEP_MS, LINGER_MS, SOCKET_LIFE_MS, SOCKETS_MAX, SocketId};
use serde_json::{Value, json};
use testkit::world::World;

use crate::screens::{batch, connect, deliver, device, disconnect, function, on_socket, resume};

/// The stored items of these types.
async fn items(world: &World, kind: &str) -> Vec<HashMap<String, AttributeValue>> {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    items.into_iter().filter(|item| item["type"].as_s().unwrap().starts_with(kind)).collect()
}

/// number -> id of the line of its only event.
fn numbers(frames: &[Value]) -> BTreeMap<u64, String> {
    let events = frames.iter().filter(|frame| frame["type"] == "events");
    let number = |frame: &Value| frame["seq"].as_u64().unwrap();
    events.map(|frame| (number(frame), frame["items"][0]["id"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn events_that_nobody_watches_are_neither_written_nor_sent() {
    let world = World::new().await;
    let live = function(&world);
    assert_eq!(deliver(&live, &[&batch(&world, 1, 1)], 1).await, 0);
    assert!(items(&world, "live").await.is_empty());
    device(&world, &live, "a").await;
    disconnect(&world, &live, "a").await;
    world.clock.advance(LINGER_MS);
    assert_eq!(deliver(&live, &[&batch(&world, 2, 1)], 1).await, 0);
    assert_eq!(items(&world, "live").await.len(), 1, "only the state is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_deliveries_of_the_same_messages_give_each_one_number_without_gap() {
    let world = World::new().await;
    let live = Arc::new(function(&world));
    let begin = device(&world, &live, "a").await;
    let batches: Vec<_> = (1..=30).map(|number| batch(&world, number, 1)).collect();
    let workers = (0..4_usize).map(|worker| {
        let (live, mut batches) = (Arc::clone(&live), batches.clone());
        tokio::spawn(async move {
            batches.rotate_left(worker * 7);
            for chunk in batches.chunks(3 + worker) {
                let mut chunk: Vec<_> = chunk.iter().collect();
                chunk.push(chunk[0]);
                // Like the queue: failed messages are delivered again.
                while deliver(&live, &chunk, 1).await > 0 {}
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let frames = live.sockets.take("a");
    let seen = numbers(&frames);
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), (begin + 1..=begin + 30).collect::<Vec<_>>());
    assert_eq!(seen.values().collect::<BTreeSet<_>>().len(), 30, "each batch has one number");
    for frame in &frames {
        assert_eq!(frame["items"][0]["id"], json!(seen[&frame["seq"].as_u64().unwrap()]), "a number has one content");
    }
    let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
    assert_eq!(state.seq.to_string(), (begin + 30).to_string());
    assert!(live.failed.0.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sockets_that_open_at_the_same_time_join_one_run() {
    let world = Arc::new(World::new().await);
    let live = Arc::new(function(&world));
    let tasks = (0..12).map(|n| {
        let (world, live) = (Arc::clone(&world), Arc::clone(&live));
        tokio::spawn(async move { while on_socket(&world, &live, &format!("s{n}"), "CONNECT", None).await != 200 {} })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
    assert_eq!((state.sockets.len(), state.begin), (12, state.seq));
    deliver(&live, &[&batch(&world, 1, 1)], 1).await;
    for n in 0..12 {
        assert_eq!(live.sockets.take(&format!("s{n}")).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sockets_that_open_at_the_same_time_are_never_more_than_the_limit() {
    const TOO_MANY: usize = 14;
    let world = Arc::new(World::new().await);
    let live = Arc::new(function(&world));
    let tasks = (0..SOCKETS_MAX + TOO_MANY).map(|n| {
        let (world, live) = (Arc::clone(&world), Arc::clone(&live));
        tokio::spawn(async move {
            loop {
                match on_socket(&world, &live, &format!("s{n}"), "CONNECT", None).await {
                    503 => {}
                    status => return status,
                }
            }
        })
    });
    let mut answers = BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        *answers.entry(task.await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(answers, BTreeMap::from([(200, SOCKETS_MAX), (429, TOO_MANY)]));
    let sockets = async || {
        let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
        state.sockets.into_keys().map(|socket| socket.as_str().to_owned()).collect::<Vec<_>>()
    };
    let open = sockets().await;
    assert_eq!(open.len(), SOCKETS_MAX);
    assert_eq!(on_socket(&world, &live, &open[0], "MESSAGE", Some(json!({"action": "ping"}))).await, 200);
    disconnect(&world, &live, &open[0]).await;
    connect(&world, &live, "in its place").await;
    assert_eq!(on_socket(&world, &live, "too late", "CONNECT", None).await, 429);
    // Sockets whose time is over leave their places, also when no close event ever came.
    world.clock.advance(SOCKET_LIFE_MS);
    connect(&world, &live, "later").await;
    assert_eq!(sockets().await, ["later"]);
}

#[tokio::test]
async fn a_client_that_comes_back_in_time_gets_the_missed_frames_once_and_in_order() {
    let world = World::new().await;
    let live = function(&world);
    let begin = device(&world, &live, "a").await;
    deliver(&live, &[&batch(&world, 1, 1)], 1).await;
    disconnect(&world, &live, "a").await;
    for number in 2..=4 {
        deliver(&live, &[&batch(&world, number, 1)], 1).await;
    }
    world.clock.advance(LINGER_MS - 60_000);
    connect(&world, &live, "b").await;
    let frames = resume(&world, &live, "b", Some(begin + 1)).await;
    assert_eq!(numbers(&frames).into_keys().collect::<Vec<_>>(), [begin + 2, begin + 3, begin + 4]);
    assert_eq!(frames[3], json!({"type": "hello", "card_id": world.card("lin"), "seq": begin + 4, "resumable": true}));
    let frames = resume(&world, &live, "b", Some(begin + 4)).await;
    assert_eq!(frames[0]["resumable"], true, "nothing was missed: {frames:?}");
    assert!(live.sockets.take("a").len() == 1, "the closed socket got the first only");
}

#[tokio::test]
async fn a_client_that_was_away_for_too_long_starts_again() {
    let world = World::new().await;
    let live = function(&world);
    let begin = device(&world, &live, "a").await;
    let reset = |frames: Vec<Value>| assert_eq!((frames.len(), &frames[0]["type"]), (1, &json!("reset")), "{frames:?}");
    for number in 0..=u64::try_from(CATCH_UP_MAX).unwrap() {
        deliver(&live, &[&batch(&world, number, 1)], 1).await;
    }
    live.sockets.take("a");
    reset(resume(&world, &live, "a", Some(begin)).await);
    assert_eq!(resume(&world, &live, "a", Some(begin + 1)).await.len(), CATCH_UP_MAX + 1);
    reset(resume(&world, &live, "a", Some(begin + 1_000)).await);
    disconnect(&world, &live, "a").await;
    world.clock.advance(LINGER_MS);
    let last = begin + 1 + u64::try_from(CATCH_UP_MAX).unwrap();
    connect(&world, &live, "b").await;
    reset(resume(&world, &live, "b", Some(last)).await);
}

#[tokio::test]
async fn forgotten_messages_are_no_gap_that_goes_unnoticed() {
    let world = World::new().await;
    let live = function(&world);
    let begin = device(&world, &live, "a").await;
    deliver(&live, &[&batch(&world, 1, 1), &batch(&world, 2, 1)], 1).await;
    // Like the table after they have expired.
    let mut first = items(&world, "live_message")
        .await
        .into_iter()
        .min_by_key(|item| item["received_ms"].as_n().unwrap().clone())
        .unwrap();
    let keep: i64 = first["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(keep, world.clock.now().plus_millis(KEEP_MS).seconds());
    first.retain(|name, _| store::KEY_ATTRIBUTES.contains(&name.as_str()));
    world.dynamodb.delete_item().table_name(&world.table).set_key(Some(first)).send().await.unwrap();
    live.sockets.take("a");
    assert_eq!(resume(&world, &live, "a", Some(begin)).await[0]["type"], "reset");
}

#[tokio::test]
async fn closed_sockets_are_taken_off_and_those_past_their_end_are_closed() {
    let world = World::new().await;
    let live = function(&world);
    device(&world, &live, "old").await;
    world.clock.advance(SOCKET_LIFE_MS - 1_000);
    device(&world, &live, "new").await;
    device(&world, &live, "crashed").await;
    live.sockets.gone.lock().unwrap().insert("crashed".to_owned());
    world.clock.advance(1_000);
    assert_eq!(deliver(&live, &[&batch(&world, 1, 1)], 1).await, 0);
    assert_eq!((live.sockets.take("old").len(), live.sockets.take("new").len()), (0, 1));
    assert!(live.sockets.gone.lock().unwrap().contains("old"));
    let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
    assert_eq!(state.sockets.keys().map(SocketId::as_str).collect::<Vec<_>>(), ["new"]);
}

#[tokio::test]
async fn a_socket_taken_off_by_mistake_is_back_with_its_next_frame() {
    let world = World::new().await;
    let live = function(&world);
    let begin = device(&world, &live, "a").await;
    live.sockets.gone.lock().unwrap().insert("a".to_owned());
    deliver(&live, &[&batch(&world, 1, 1)], 1).await;
    live.sockets.gone.lock().unwrap().clear();
    let ping = Some(json!({"action": "ping"}));
    assert_eq!(on_socket(&world, &live, "a", "MESSAGE", ping).await, 200);
    assert_eq!(live.sockets.take("a"), [json!({"type": "pong", "card_id": world.card("lin"), "seq": begin + 1})]);
    deliver(&live, &[&batch(&world, 2, 1)], 1).await;
    assert_eq!(live.sockets.take("a").len(), 1);
}

#[tokio::test]
async fn a_segment_that_could_not_be_pushed_is_delivered_again_with_its_number() {
    let world = World::new().await;
    let live = function(&world);
    let begin = device(&world, &live, "a").await;
    device(&world, &live, "b").await;
    live.sockets.failing.lock().unwrap().insert("a".to_owned());
    let first = batch(&world, 1, 1);
    assert_eq!(deliver(&live, &[&first], 1).await, 1);
    assert_eq!(deliver(&live, &[&batch(&world, 2, 1)], 5).await, 0, "the last attempt goes to the dead letters");
    live.sockets.failing.lock().unwrap().clear();
    assert_eq!(deliver(&live, &[&first], 2).await, 0);
    assert_eq!(numbers(&live.sockets.take("a")).into_keys().collect::<Vec<_>>(), [begin + 1]);
    let again: Vec<_> = live.sockets.take("b").iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    assert_eq!(again, [begin + 1, begin + 2, begin + 1]);
    assert_eq!(*live.failed.0.lock().unwrap(), [("m0".to_owned(), "unavailable")]);
}

#[tokio::test]
async fn a_watched_message_of_twenty_events_writes_three_small_items() {
    let world = World::new().await;
    let live = function(&world);
    for device in ["a", "b", "c"] {
        connect(&world, &live, device).await;
    }
    deliver(&live, &[&batch(&world, 1, 20)], 1).await;
    let stored = items(&world, "live").await;
    assert_eq!(stored.len(), 3, "state, message and mark, two write units each in a transaction");
    for item in stored {
        let size =
            serde_json::to_string(&item.iter().map(|(name, value)| (name, format!("{value:?}"))).collect::<Vec<_>>());
        assert!(size.unwrap().len() <= 1_024, "{item:?}");
    }
}
