//! `scripts/lab pure`: the cost of counting without AWS. Reads messages of the queue, one per line,
//! and processes them like the aggregator up to the writes, which it does not send.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the report is what it is for")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use domain::company::Company;
use domain::crm::identities::Customer;
use domain::kernel::id::PersonId;
use domain::radar::aggregate::{Segment, SegmentKey, plan, segments};
use domain::tracking::batch::AcceptedBatch;
use runtime::delivery::Delivery;
use runtime::messages;
use serde_json::Value;
use store::{Commit, Store};
use uuid::Uuid;

/// Messages in one call.
const MESSAGES: usize = 100;
/// Rounds, of which the median is reported.
const ROUNDS: usize = 7;

/// How far a round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoundStep {
    Value,
    Typed,
    Read,
    Segment,
    Plan,
    Write,
}

const STEPS: [(RoundStep, &str); 6] = [
    (RoundStep::Value, "just parse them into serde_json::Value"),
    (RoundStep::Typed, "just parse them into AcceptedBatch"),
    (RoundStep::Read, "read the messages"),
    (RoundStep::Segment, "and split them by card, without repeats"),
    (RoundStep::Plan, "and count them"),
    (RoundStep::Write, "and build the writes"),
];

fn main() {
    let bodies: Vec<String> = std::io::stdin().lines().map(|line| line.expect("a message a line")).collect();
    let (calls, store) = (deliveries(&bodies), store());
    let events: usize = calls.iter().map(|call| messages::read(call).events).sum();
    // A round has every step once: a disturbance affects all steps.
    let rounds = (0..ROUNDS).map(|_| STEPS.map(|(step, _)| time(|| run(&calls, &store, step))));
    let rounds: Vec<[f64; STEPS.len()]> = rounds.collect();
    println!("{events} events in {} messages, {MESSAGES} messages a call; CPU time, median of {ROUNDS}", bodies.len());
    for (nth, (_, name)) in STEPS.iter().enumerate() {
        let nanos = 1e9 * median(rounds.iter().map(|round| round[nth])) / events as f64;
        let [of_value, of_typed] = [0, 1].map(|base| median(rounds.iter().map(|round| round[nth] / round[base])));
        println!("{name:<42} {nanos:>6.0} ns an event  {of_value:>5.2}× Value  {of_typed:>5.2}× AcceptedBatch");
    }
    let whole = median(rounds.iter().map(|round| round[STEPS.len() - 1]));
    println!("{:.0} events a second and core", events as f64 / whole);
}

fn deliveries(bodies: &[String]) -> Vec<Vec<Delivery>> {
    let delivery =
        |body: &String| Delivery { id: String::new(), receipt: String::new(), body: body.clone(), attempts: 1 };
    bodies.chunks(MESSAGES).map(|call| call.iter().map(delivery).collect()).collect()
}

fn parsed<'a, T: serde::Deserialize<'a>>(body: &'a str) -> T {
    serde_json::from_str(body).expect("a message is JSON")
}

/// A table that nobody calls.
fn store() -> Store {
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    Store::new(aws_sdk_dynamodb::Client::from_conf(config), "table".to_owned())
}

/// All calls, one after the other. The states of the customers are those that the calls before have
/// left, as a table would return them.
fn run(calls: &[Vec<Delivery>], store: &Store, last: RoundStep) {
    let mut known = BTreeMap::new();
    for call in calls {
        match last {
            RoundStep::Value => call.iter().for_each(|delivery| drop(black_box(parsed::<Value>(&delivery.body)))),
            RoundStep::Typed => {
                call.iter().for_each(|delivery| drop(black_box(parsed::<AcceptedBatch>(&delivery.body))))
            }
            RoundStep::Read => drop(black_box(messages::read(call))),
            RoundStep::Segment | RoundStep::Plan | RoundStep::Write => split(call, &mut known, store, last),
        }
    }
}

fn split(call: &[Delivery], known: &mut BTreeMap<PersonId, Customer>, store: &Store, last: RoundStep) {
    let mut by_company: BTreeMap<Company, BTreeMap<SegmentKey, Segment>> = BTreeMap::new();
    for (_, batch) in messages::read(call).batches {
        let company = Company::granted(batch.company);
        let by_key = by_company.entry(company).or_default();
        for segment in segments(batch) {
            by_key.entry(segment.key).or_insert(segment);
        }
    }
    for (company, by_key) in by_company {
        let queued: Vec<Segment> = by_key.into_values().collect();
        if last == RoundStep::Segment {
            black_box(queued);
        } else {
            count(company, &queued, known, store, last);
        }
    }
}

/// One transaction after the other.
fn count(
    company: Company,
    mut queued: &[Segment],
    known: &mut BTreeMap<PersonId, Customer>,
    store: &Store,
    last: RoundStep,
) {
    while !queued.is_empty() {
        let plan = plan(queued, known);
        assert!(plan.refused.is_empty(), "every segment can be counted");
        if last == RoundStep::Write {
            let (counted, page) = (plan.segments.iter().map(|nth| &queued[*nth]).collect::<Vec<_>>(), Uuid::nil());
            let commit = Commit { segments: &counted, plan: &plan, page, now: queued[0].received_at };
            black_box(store.prepare_segments(company, &commit)).expect("it can be encoded");
        }
        queued = &queued[plan.segments.len()..];
        known.extend(plan.customers);
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The CPU time of this thread that the work takes, in seconds.
fn time(work: impl Fn()) -> f64 {
    let before = cpu();
    work();
    (cpu() - before).as_secs_f64()
}

/// Time on the processor so far.
fn cpu() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel tells it");
    Duration::from_nanos(times.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds come first"))
}
