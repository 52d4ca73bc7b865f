//! `scripts/lab pure`: what counting costs without AWS. Reads messages of the queue, one a
//! line, and takes them the aggregator's way up to the writes, which it does not send.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the report is what it is for")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use domain::aggregate::{Customer, Segment, SegmentKey, plan, segments};
use domain::batch::AcceptedBatch;
use domain::company::Company;
use domain::id::PersonId;
use runtime::batch::Delivery;
use runtime::messages;
use serde_json::Value;
use store::{Commit, Store};
use uuid::Uuid;

/// Messages in one call.
const MESSAGES: usize = 100;
/// Rounds, of which the median counts.
const ROUNDS: usize = 7;

/// How far a round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Read,
    Segment,
    Plan,
    Write,
}

const STEPS: [(Step, &str); 4] = [
    (Step::Read, "read the messages"),
    (Step::Segment, "and split them by card, without repeats"),
    (Step::Plan, "and count them"),
    (Step::Write, "and build the writes"),
];

fn main() {
    let bodies: Vec<String> = std::io::stdin().lines().map(|line| line.expect("a message a line")).collect();
    let calls = deliveries(&bodies);
    let events: usize = calls.iter().map(|call| messages::read(call).events).sum();
    let per_event = |time: Duration| time.as_secs_f64() * 1e9 / events as f64;
    println!("{events} events in {} messages, {MESSAGES} messages a call; CPU time, median of {ROUNDS}", bodies.len());
    let value = median(|| bodies.iter().for_each(|body| drop(black_box(parsed::<Value>(body)))));
    let typed = median(|| bodies.iter().for_each(|body| drop(black_box(parsed::<AcceptedBatch>(body)))));
    let store = store();
    let line = |name: &str, time: Duration| {
        let ratio = time.as_secs_f64() / value.as_secs_f64();
        println!("{name:<42} {:>7.0} ns an event  {ratio:>5.2}×", per_event(time));
    };
    line("just parse them into serde_json::Value", value);
    line("just parse them into AcceptedBatch", typed);
    let mut whole = Duration::ZERO;
    for (step, name) in STEPS {
        whole = median(|| run(&calls, &store, step));
        line(name, whole);
    }
    println!("{:.0} events a second and core", 1e9 / per_event(whole));
}

fn deliveries(bodies: &[String]) -> Vec<Vec<Delivery>> {
    let delivery = |body: &String| Delivery { id: String::new(), body: body.clone(), attempts: 1 };
    bodies.chunks(MESSAGES).map(|call| call.iter().map(delivery).collect()).collect()
}

fn parsed<'a, T: serde::Deserialize<'a>>(body: &'a str) -> T {
    serde_json::from_str(body).expect("a message is JSON")
}

/// A table that nobody asks.
fn store() -> Store {
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    Store::new(aws_sdk_dynamodb::Client::from_conf(config), "table".to_owned())
}

/// All calls, one after the other. What is known of the customers is what the calls before
/// have left, as a table would answer it.
fn run(calls: &[Vec<Delivery>], store: &Store, last: Step) {
    let mut known = BTreeMap::new();
    for call in calls {
        let read = messages::read(call);
        if last == Step::Read {
            black_box(read);
            continue;
        }
        let mut by_company: BTreeMap<Company, BTreeMap<SegmentKey, Segment>> = BTreeMap::new();
        for (_, batch) in read.batches {
            let company = Company::granted(batch.company);
            let by_key = by_company.entry(company).or_default();
            for segment in segments(batch) {
                by_key.entry(segment.key).or_insert(segment);
            }
        }
        for (company, by_key) in by_company {
            let queued: Vec<Segment> = by_key.into_values().collect();
            if last == Step::Segment {
                black_box(queued);
            } else {
                count(company, &queued, &mut known, store, last);
            }
        }
    }
}

/// One transaction after the other.
fn count(
    company: Company,
    mut queued: &[Segment],
    known: &mut BTreeMap<PersonId, Customer>,
    store: &Store,
    last: Step,
) {
    while !queued.is_empty() {
        let plan = plan(queued, known);
        assert!(plan.refused.is_empty(), "every segment can be counted");
        if last == Step::Write {
            let (counted, page) = (plan.segments.iter().map(|nth| &queued[*nth]).collect::<Vec<_>>(), Uuid::nil());
            let (customers, unchanged, tally) = (&plan.customers, &plan.unchanged, &plan.tally);
            let commit = Commit { segments: &counted, customers, unchanged, tally, page };
            black_box(store.prepare_segments(company, &commit)).expect("it can be encoded");
        }
        queued = &queued[plan.segments.len()..];
        known.extend(plan.customers);
    }
}

/// The CPU time of this thread that the work takes.
fn median(work: impl Fn()) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let before = cpu();
            work();
            cpu() - before
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

/// Time on the processor so far.
fn cpu() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel tells it");
    Duration::from_nanos(times.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds come first"))
}
