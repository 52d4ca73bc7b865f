//! What a member sends by their sockets has budgets: frames, catching up, and opening sockets.

use domain::kernel::budget::BudgetName;
use serde_json::{Value, json};
use testkit::world::World;

use crate::budgets_in_memory::capacity;
use crate::screens::{TestLive, batch, connect, deliver, device, function, on_socket};

/// Sends a frame; returns what it is answered with.
async fn answers(world: &World, live: &TestLive, socket: &str, frame: Value) -> Vec<Value> {
    assert_eq!(on_socket(world, live, socket, "MESSAGE", Some(frame)).await, 200);
    live.sockets.take(socket)
}

fn ping() -> Value {
    json!({"action": "ping"})
}

/// The refusal of a budget, which is full of the time that it names.
fn refusal(budget: BudgetName, detail: &Value) -> Value {
    let retry_after = budget.budget().rates[0].token_us / 1_000_000;
    json!({"type": "error", "code": "budget_exhausted", "budget": budget.name(), "retry_after": retry_after, "detail": detail})
}

#[tokio::test]
async fn frames_of_a_member_are_counted_over_their_sockets_and_come_back_in_time() {
    let world = World::new().await;
    let live = function(&world);
    connect(&world, &live, "a").await;
    connect(&world, &live, "b").await;
    let frames = capacity(BudgetName::SocketFrames);
    for n in 0..frames {
        // A frame that cannot be read counts, too.
        let frame = if n % 2 == 0 { ping() } else { json!({"action": "shout"}) };
        let socket = if n % 3 == 0 { "a" } else { "b" };
        let found = answers(&world, &live, socket, frame).await;
        assert_ne!(found[0]["code"], "budget_exhausted", "{n}");
    }
    for socket in ["a", "b"] {
        let found = answers(&world, &live, socket, ping()).await;
        assert_eq!(found, [refusal(BudgetName::SocketFrames, &found[0]["detail"])]);
    }
    world.clock.advance(999);
    assert_eq!(answers(&world, &live, "a", ping()).await[0]["code"], "budget_exhausted");
    world.clock.advance(1);
    assert_eq!(answers(&world, &live, "a", ping()).await[0]["type"], "pong");
}

#[tokio::test]
async fn a_socket_that_goes_on_after_refusals_is_closed_and_others_stay_open() {
    let world = World::new().await;
    let live = function(&world);
    connect(&world, &live, "calm").await;
    connect(&world, &live, "loud").await;
    for _ in 0..capacity(BudgetName::SocketFrames) {
        answers(&world, &live, "loud", ping()).await;
    }
    for _ in 0..capacity(BudgetName::RefusedFrames) {
        assert_eq!(answers(&world, &live, "loud", ping()).await[0]["code"], "budget_exhausted");
    }
    assert!(!live.sockets.is_closed("loud"));
    assert!(answers(&world, &live, "loud", ping()).await.is_empty());
    assert!(live.sockets.is_closed("loud") && !live.sockets.is_closed("calm"));
    assert_eq!(deliver(&live, &[&batch(&world, 1, 1)], 1).await, 0);
    assert_eq!(live.sockets.take("calm").len(), 1, "events reach the other one");
}

#[tokio::test]
async fn catching_up_again_and_again_is_refused_and_pings_are_not() {
    let world = World::new().await;
    let live = function(&world);
    let begin = device(&world, &live, "a").await;
    let batches: Vec<_> = (1..=5).map(|number| batch(&world, number, 1)).collect();
    assert_eq!(deliver(&live, &batches.iter().collect::<Vec<_>>(), 1).await, 0);
    live.sockets.take("a");
    let (mut frames, resume) = (0, json!({"action": "resume", "last_seq": begin}));
    for n in 0..capacity(BudgetName::SocketCatchUps) + 10 {
        let found = answers(&world, &live, "a", resume.clone()).await;
        frames += found.len();
        if n >= capacity(BudgetName::SocketCatchUps) {
            assert_eq!(found, [refusal(BudgetName::SocketCatchUps, &found[0]["detail"])]);
        }
    }
    // Five messages and a hello each; then one refusal each.
    assert_eq!(frames, 30 * 6 + 10);
    assert_eq!(answers(&world, &live, "a", ping()).await[0]["type"], "pong");
    let nothing_missed = json!({"action": "resume", "last_seq": begin + 5});
    assert_eq!(
        answers(&world, &live, "a", nothing_missed).await[0]["type"],
        "hello",
        "what sends nothing costs nothing"
    );
    world.clock.advance(10_000);
    assert_eq!(answers(&world, &live, "a", resume).await.len(), 6);
}

#[tokio::test]
async fn who_opens_sockets_again_and_again_is_refused_at_the_handshake() {
    let world = World::new().await;
    let live = function(&world);
    for n in 0..capacity(BudgetName::Sockets) {
        assert_eq!(on_socket(&world, &live, "a", "CONNECT", None).await, 200, "{n}");
    }
    assert_eq!(on_socket(&world, &live, "a", "CONNECT", None).await, 429);
    world.clock.advance(5_000);
    assert_eq!(on_socket(&world, &live, "a", "CONNECT", None).await, 200);
}
