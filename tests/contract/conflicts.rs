//! Transactions as AWS runs them: one whose items overlap those of one in flight is cancelled.
//! DynamoDB Local runs them one after the other, and never does that.
//!
//! All times here pass [`SLOWER`] times as slowly, so that a busy machine measures the rule and not
//! itself. What was measured stands in `docs/LAB.md`.

#![expect(clippy::print_stdout, reason = "the measured attempts are shown")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use domain::card::share::{Channel, Share};
use domain::company::Company;
use domain::kernel::day::{Day, Window};
use domain::kernel::text::ShareCode;
use domain::radar::counter::Scope;
use domain::tracking::event::Target;
use radar_aggregator::Aggregator;
use runtime::config::Env;
use runtime::retry::{Retry, Timer};
use serde_json::{Value, json};
use store::{KEY_ATTRIBUTES, Store};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;

/// How long a transaction takes at AWS, about twice as long as usual.
const IN_FLIGHT: Duration = Duration::from_millis(20);
/// How much slower time passes.
const SLOWER: u32 = 8;
/// Parallel writes of one boss.
const WRITES: u8 = 20;
const ROUNDS: u8 = 5;

/// A timer that is as slow.
#[derive(Debug)]
struct SlowTimer(Instant);

impl Timer for SlowTimer {
    fn elapsed(&self) -> Duration {
        self.0.elapsed() / SLOWER
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(pause * SLOWER))
    }
}

/// DynamoDB Local with AWS's rule in front of it.
#[derive(Debug, Default)]
struct Conflicts {
    in_flight: Mutex<BTreeSet<String>>,
    /// The attempts of each transaction, by the key of its first item.
    attempts: Mutex<BTreeMap<String, u32>>,
}

/// The keys of the items of a transaction, in its order.
fn keys(transaction: &Value) -> Vec<String> {
    let actions = transaction["TransactItems"].as_array().unwrap();
    let key = |action: &Value| {
        let (_, action) = action.as_object().unwrap().iter().next().unwrap();
        let item = action.get("Key").or_else(|| action.get("Item")).unwrap();
        KEY_ATTRIBUTES.map(|name| item[name]["S"].as_str().unwrap().to_owned()).join(" ")
    };
    actions.iter().map(key).collect()
}

/// Whether head and body have arrived.
fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// The emulator's answer, as it sends it.
fn forward(request: &str, upstream: &str) -> std::io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(upstream)?;
    connection.write_all(request.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}

impl Conflicts {
    /// Marks the items of a transaction as in flight; which of them were already, if any was.
    fn begin(&self, keys: &[String]) -> Option<Vec<bool>> {
        *self.attempts.lock().unwrap().entry(keys[0].clone()).or_default() += 1;
        let mut in_flight = self.in_flight.lock().unwrap();
        let conflicting: Vec<_> = keys.iter().map(|key| in_flight.contains(key)).collect();
        if conflicting.contains(&true) {
            return Some(conflicting);
        }
        in_flight.extend(keys.iter().cloned());
        None
    }

    fn serve(&self, mut stream: TcpStream, upstream: &str) -> std::io::Result<()> {
        let (mut request, mut chunk) = (Vec::new(), [0; 4_096]);
        while !is_complete(&request) {
            let read = stream.read(&mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            request.extend_from_slice(&chunk[..read]);
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        if !request.contains(".TransactWriteItems") {
            return stream.write_all(&forward(&request, upstream)?);
        }
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let keys = keys(&serde_json::from_str(body).unwrap());
        if let Some(conflicting) = self.begin(&keys) {
            return stream.write_all(cancelled(conflicting).as_bytes());
        }
        std::thread::sleep(IN_FLIGHT * SLOWER);
        let answer = forward(&request, upstream);
        let mut in_flight = self.in_flight.lock().unwrap();
        in_flight.retain(|key| !keys.contains(key));
        drop(in_flight);
        stream.write_all(&answer?)
    }
}

/// The answer to a transaction that is in the way of another.
fn cancelled(conflicting: Vec<bool>) -> String {
    let code = |conflicting| if conflicting { "TransactionConflict" } else { "None" };
    let reasons: Vec<_> = conflicting.into_iter().map(|it| json!({"Code": code(it)})).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let body = json!({"__type": kind, "Message": "Transaction cancelled", "CancellationReasons": reasons}).to_string();
    format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The table behind AWS's rule.
fn behind_the_rule(world: &World) -> (Store, Arc<Conflicts>) {
    let endpoint = Env::process().required("DYNAMODB_ENDPOINT").unwrap();
    let upstream = endpoint.strip_prefix("http://").unwrap().to_owned();
    let rule = Arc::new(Conflicts::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = Arc::clone(&rule);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (rule, upstream) = (Arc::clone(&serving), upstream.clone());
            std::thread::spawn(move || rule.serve(stream, &upstream));
        }
    });
    let config = world.dynamodb.config().to_builder().endpoint_url(url).build();
    let retry = Retry::new(world.ids.clone(), Arc::new(SlowTimer(Instant::now())));
    (Store::with_retry(Client::from_conf(config), world.table.clone(), retry), rule)
}

async fn share(world: &World, store: &Store, by: Company, number: u8) {
    let share = Share {
        code: ShareCode::from_secret([0xff - number; 16]),
        card: world.card("lin"),
        target: Target::Card,
        channel: Channel::Code,
        sharer: world.staff["boss"].person,
        created_at: world.clock.now(),
    };
    store.create_share(by, share, None, &world.request(&format!("share {number}")), &[]).await.unwrap();
}

/// Parallel calls of the aggregator, each with a batch of the same person.
const CALLS: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_batches_of_one_person_at_once_are_counted_within_the_call_that_has_them() {
    let world = World::new().await;
    let (store, rule) = behind_the_rule(&world);
    let counting = Arc::new(Aggregator { store, ..aggregator(&world, KeptDeadLetters::default()) });
    let begun = Instant::now();
    let calls = (0..CALLS).map(|number| {
        let (counting, batch) = (Arc::clone(&counting), batch(&world, 0, number, &[0]));
        tokio::spawn(async move {
            let left = radar_aggregator::handle(&counting, delivered(&[&batch], 1), "r").await.batch_item_failures;
            (left.len(), begun.elapsed() / SLOWER)
        })
    });
    let (mut left, mut times) = (0, Vec::new());
    for call in calls.collect::<Vec<_>>() {
        let (failed, took) = call.await.unwrap();
        left += failed;
        times.push(took);
    }
    times.sort();
    let attempts: u32 = rule.attempts.lock().unwrap().values().sum();
    println!(
        "{CALLS} batches: {attempts} attempts, half of them after {:?}, the last after {:?}",
        times[24], times[49]
    );
    assert_eq!(left, 0, "batches that wait for the queue to show them again");
    assert!(u64::from(attempts) > CALLS, "they were in each other's way");
    let today = Day::of(world.clock.now());
    let counts = world.store.counters(world.company, Scope::Company, today).await.unwrap();
    // One at noon, and of those in the minute before as many as one person can do.
    assert_eq!(counts.metrics(Window::Total, today).forwards, 1 + 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_parallel_writes_of_one_boss_all_succeed() {
    let world = Arc::new(World::new().await);
    let (mut most, mut all, mut longest) = (0, 0, Duration::ZERO);
    for round in 0..ROUNDS {
        let (store, rule) = behind_the_rule(&world);
        let begun = Instant::now();
        let writes = (0..WRITES).map(|number| {
            let (world, store) = (Arc::clone(&world), store.clone());
            // Every round writes other items, and asks for the same boss.
            tokio::spawn(async move { share(&world, &store, world.acting("boss"), round * WRITES + number).await })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        longest = longest.max(begun.elapsed() / SLOWER);
        let attempts = rule.attempts.lock().unwrap();
        most = most.max(*attempts.values().max().unwrap());
        all += attempts.values().sum::<u32>();
    }
    println!(
        "{ROUNDS} rounds of {WRITES} writes: {all} attempts, at most {most} of one write, at most {longest:?} a round"
    );
    assert!(all > u32::from(ROUNDS) * u32::from(WRITES), "they were in each other's way");
}
