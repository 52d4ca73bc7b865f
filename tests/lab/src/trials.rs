//! `lab faults`: every fault at every call of AWS in the pipeline, and then the radar against an
//! independent count.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use domain::kernel::timestamp::Timestamp;
use domain::tracking::batch::AcceptedBatch;
use runtime::clock::Clock;
use serde_json::{Value, json};
use testkit::events::load;
use testkit::world::World;

use crate::day::{Days, body};
use crate::environment::variables;
use crate::faults::{Fault, Faults, Rule, When};
use crate::host::{InvocationOutcome, Process};
use crate::meter::repository;
use crate::outages;
use crate::random::Random;
use crate::sites::{self, Site};
use crate::stage::Stage;
use crate::wire::Wire;

/// Batches of one trial.
const BATCHES: u64 = 24;
/// Most messages in one call of the aggregator.
const MESSAGES_MAX: usize = 10;
/// Most attempts of a request, or deliveries of a message.
const ATTEMPTS: u32 = 30;
/// Failing calls in a row: the SDK handles one itself, six are more than its attempts.
const TIMES: [u32; 2] = [1, 6];
/// Seeds of the storms, and how many of a thousand calls meet each fault in them.
const STORMS: [u64; 3] = [1, 2, 3];
const STORM_PERMILLE: u64 = 30;

/// The functions that run as separate processes.
const PIPELINE: [&str; 2] = ["tracking", "radar-aggregator"];

/// How the queue delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeliveryOrder {
    Once,
    Twice,
    OutOfOrder,
}

/// One trial.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// The functions whose calls fail.
    functions: Vec<String>,
    rules: Vec<Rule>,
    delivery: DeliveryOrder,
    name: String,
    seed: u64,
}

/// Runs all trials, or those whose name contains `only`.
pub(crate) async fn run(wire: &Wire, only: &str) -> ExitCode {
    wire.stop_weighing();
    let now = Clock::system().now();
    let (mut wrong, mut count) = (0, 0);
    for trial in trials().into_iter().filter(|trial| trial.name.contains(only)) {
        let begun = Instant::now();
        let found = try_out(wire, &trial, now).await;
        let verdict = if found.is_empty() { "every number right" } else { "WRONG" };
        println!("{:<60} {verdict} ({:.1} s)", trial.name, begun.elapsed().as_secs_f64());
        found.iter().for_each(|line| println!("    {line}"));
        count += 1;
        wrong += usize::from(!found.is_empty());
    }
    println!("{count} trials, {wrong} wrong");
    let found = outages::run(only);
    found.iter().for_each(|line| println!("{line}"));
    if wrong == 0 && found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The calls of AWS in the functions of the pipeline: function and operation.
fn sites() -> Vec<(String, String)> {
    let of_pipeline = |site: Site| {
        let functions = site.tried_by.into_iter().filter(|name| PIPELINE.contains(&name.as_str()));
        functions.map(|function| (function, site.operation.clone())).collect::<Vec<_>>()
    };
    sites::all().into_iter().flat_map(of_pipeline).collect()
}

fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (function, operation) in sites() {
        let mut faults = [Fault::OF_CALLS.as_slice(), &Fault::OF_PROCESSES].concat();
        faults.extend((operation == "BatchGetItem").then_some(Fault::PartOfBatch));
        for fault in faults {
            // A process is killed once; the next one gets no fault.
            let times = if Fault::OF_PROCESSES.contains(&fault) { &TIMES[..1] } else { &TIMES };
            for times in times {
                let rule = Rule { operation: operation.clone(), fault, when: When::Nth { first: 1, times: *times } };
                let name = format!("{function} {operation}: {} ×{times}", fault.name());
                let (functions, rules) = (vec![function.clone()], vec![rule]);
                trials.push(Trial { functions, rules, delivery: DeliveryOrder::Once, name, seed: 1 });
            }
        }
    }
    let queue = |delivery, name: &str| {
        let name = format!("queue: {name}");
        Trial { functions: Vec::new(), rules: Vec::new(), delivery, name, seed: 1 }
    };
    trials.push(queue(DeliveryOrder::Twice, "every message delivered twice"));
    trials.push(queue(DeliveryOrder::OutOfOrder, "messages out of order"));
    trials.extend(STORMS.map(storm));
    trials
}

/// Every fault now and then at every call, while messages are delivered twice.
fn storm(seed: u64) -> Trial {
    let faults = [Fault::OF_CALLS.as_slice(), &Fault::OF_PROCESSES, &[Fault::PartOfBatch]].concat();
    let mut rules = Vec::new();
    for (_, operation) in sites() {
        let possible = faults.iter().filter(|fault| **fault != Fault::PartOfBatch || operation == "BatchGetItem");
        let when = When::Permille(STORM_PERMILLE);
        rules.extend(possible.map(|fault| Rule { operation: operation.clone(), fault: *fault, when }));
    }
    let functions = sites().into_iter().map(|(function, _)| function).collect();
    Trial {
        functions,
        rules,
        delivery: DeliveryOrder::Twice,
        name: format!("storm: every fault at every call, seed {seed}"),
        seed,
    }
}

/// The faults found after a trial; empty if there is none.
async fn try_out(wire: &Wire, trial: &Trial, now: Timestamp) -> Vec<String> {
    let stage = Stage::empty().await;
    // From here on the company uses the real time: the functions read the machine's clock.
    stage.world.clock.advance(now.millis() - stage.world.clock.now().millis());
    let days = Days::new(&stage.world, now, BATCHES, 7);
    let mut bench = Bench::new(wire, &stage, trial);
    bench.send(&days);
    let delivered = bench.deliver().await;
    wire.set_victim(None);
    let mut wrong: Vec<_> = delivered.err().into_iter().collect();
    wrong.extend(days.wrong(&stage).await);
    wrong.extend((!trial.rules.is_empty() && bench.happened == 0).then(|| "the fault has not happened".to_owned()));
    let put_aside = stage.put_aside().await;
    let poison = put_aside.iter().all(|body| body == POISON);
    wrong.extend((put_aside.is_empty() || !poison).then(|| "the dead letters are not just the poison".to_owned()));
    wrong
}

/// An unreadable message.
const POISON: &str = "{}";

/// The functions of one trial, each in a separate process.
struct Bench<'a> {
    wire: &'a Wire,
    stage: &'a Stage,
    trial: &'a Trial,
    variables: BTreeMap<String, String>,
    happened: u32,
}

impl<'a> Bench<'a> {
    fn new(wire: &'a Wire, stage: &'a Stage, trial: &'a Trial) -> Self {
        Self { wire, stage, trial, variables: variables(&stage.places(wire)), happened: 0 }
    }

    /// A new process of the function.
    fn start(&self, function: &str) -> Process {
        let process = Process::start(&binary(function), &self.variables).expect("the function starts");
        self.wire.set_victim(Some(process.pid()));
        process
    }

    /// The faults of this trial, while its function runs.
    fn arm(&self, function: &str) {
        let concerned = self.trial.functions.iter().any(|name| name == function);
        let rules = if concerned { self.trial.rules.clone() } else { Vec::new() };
        self.wire.set_faults(Faults::of(rules, self.trial.seed));
    }

    fn disarm(&mut self) {
        self.happened += self.wire.set_faults(Faults::default()).happened.values().sum::<u32>();
    }

    /// Sends every batch until it is accepted, like a mini-program.
    fn send(&mut self, days: &Days) {
        let mut process = self.start("tracking");
        self.arm("tracking");
        for batch in &days.batches {
            let request = request(&self.stage.world, batch);
            let accepted = (0..ATTEMPTS).any(|_| match process.invoke(request.clone()).expect("an outcome") {
                InvocationOutcome::Answer(answer) => {
                    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
                    let (status, later) = (&answer["statusCode"], &answer["headers"]["retry-after"]);
                    assert!(*status == 202 || *status == 500 || later.is_string(), "tracking answered {answer}");
                    *status == 202
                }
                InvocationOutcome::Failed(error) => panic!("tracking failed: {error}"),
                InvocationOutcome::Died => {
                    process = self.start("tracking");
                    false
                }
            });
            assert!(accepted, "a batch was not accepted");
        }
        self.disarm();
    }

    /// Delivers the messages of the queue until the aggregator has handled all of them.
    async fn deliver(&mut self) -> Result<(), String> {
        let mut waiting = received(self.stage).await;
        waiting.push(POISON.to_owned());
        match self.trial.delivery {
            DeliveryOrder::Once => {}
            DeliveryOrder::Twice => waiting = [waiting.clone(), waiting].concat(),
            DeliveryOrder::OutOfOrder => Random(3).shuffle(&mut waiting),
        }
        let mut waiting: Vec<(String, u32)> = waiting.into_iter().map(|body| (body, 1)).collect();
        let mut process = self.start("radar-aggregator");
        self.arm("radar-aggregator");
        while !waiting.is_empty() {
            let batch: Vec<_> = waiting.drain(..waiting.len().min(MESSAGES_MAX)).collect();
            let again: Vec<usize> = match process.invoke(event(&batch)).map_err(|error| error.to_string())? {
                InvocationOutcome::Answer(answer) => failures(&answer),
                InvocationOutcome::Failed(_) => (0..batch.len()).collect(),
                InvocationOutcome::Died => {
                    process = self.start("radar-aggregator");
                    (0..batch.len()).collect()
                }
            };
            for nth in again {
                let (body, attempts) = batch[nth].clone();
                if attempts >= ATTEMPTS {
                    return Err(format!("a message was delivered {attempts} times"));
                }
                waiting.push((body, attempts + 1));
            }
        }
        self.disarm();
        Ok(())
    }
}

/// The request of a visitor that sends a batch.
pub(crate) fn request(world: &World, batch: &AcceptedBatch) -> Vec<u8> {
    let token = world.keys.signer.sign(world.company, batch.person, None, world.clock.now()).expect("a token");
    let mut request: Value =
        serde_json::from_str(&load("tracking", "record_events", world)).expect("an event file is JSON");
    request["body"] = json!(body(batch).to_string());
    request["headers"]["authorization"] = json!(format!("Bearer {token}"));
    request.to_string().into_bytes()
}

/// The binary of a function, built by `scripts/build`.
pub(crate) fn binary(function: &str) -> PathBuf {
    repository(&format!(".build/lambda/{function}/bootstrap"))
}

/// Takes everything off the queue.
async fn received(stage: &Stage) -> Vec<String> {
    let (sqs, url) = &stage.functions.queue;
    let mut bodies = Vec::new();
    loop {
        let answer = sqs.receive_message().queue_url(url).max_number_of_messages(10).send().await;
        let messages = answer.expect("the queue answers").messages.unwrap_or_default();
        if messages.is_empty() {
            return bodies;
        }
        bodies.extend(messages.into_iter().filter_map(|message| message.body));
    }
}

/// Messages as the queue delivers them to a process, each with its attempt.
pub(crate) fn event(batch: &[(String, u32)]) -> Vec<u8> {
    let record = |(nth, (body, attempts)): (usize, &(String, u32))| json!({"messageId": nth.to_string(), "body": body, "attributes": {"ApproximateReceiveCount": attempts.to_string()}});
    let records: Vec<_> = batch.iter().enumerate().map(record).collect();
    json!({ "Records": records }).to_string().into_bytes()
}

/// The messages that the aggregator asks for again, by their position.
pub(crate) fn failures(answer: &[u8]) -> Vec<usize> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    failures.iter().filter_map(|failure| failure["itemIdentifier"].as_str()?.parse().ok()).collect()
}
