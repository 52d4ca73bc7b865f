//! `lab load`: visitors in numbers, from a seed, at a rate.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use domain::kernel::id::{CardId, CompanyId, Id};
use domain::tracking::batch::AcceptedBatch;
use runtime::clock::Clock;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::day::body;
use crate::environment::variables;
use crate::host::{InvocationOutcome, Process};
use crate::http::{Connection, Message};
use crate::options::Options;
use crate::random::Random;
use crate::stage::Stage;
use crate::trials::{binary, request};
use crate::visits::{self, Visit};
use crate::wire::Wire;

/// Connections to a stack.
const CONNECTIONS: usize = 4;

/// Senders and cards: the output of `scripts/lib/people.py`.
#[derive(Debug, Deserialize)]
struct People {
    url: String,
    cards: Vec<CardId>,
    tokens: Vec<String>,
}

/// The requests to send.
#[derive(Debug, Clone, Copy)]
struct LoadPlan {
    batches: u64,
    persons: u64,
    events: u32,
    duplicates: u64,
    window: u64,
    rate: u64,
    seed: u64,
}

/// The answers.
#[derive(Debug, Default)]
struct LoadReport {
    accepted: usize,
    refused: usize,
    failed: usize,
    times: Vec<Duration>,
}

/// Sends to the stack of `--people`, or else to tracking in a process of its own.
pub(crate) async fn run(options: &Options<'_>, wire: impl FnOnce() -> std::sync::Arc<Wire>) -> ExitCode {
    let number = |name, usual| options.number(name, usual);
    let plan = LoadPlan {
        batches: number("batches", 1_000),
        persons: number("persons", 100).max(1),
        events: u32::try_from(number("events", 20)).unwrap_or(u32::MAX).clamp(1, 100),
        duplicates: number("duplicates", 10),
        window: number("window", 20),
        rate: number("rate", 0),
        seed: number("seed", 1),
    };
    let begun = Instant::now();
    let report = match options.text("people") {
        Some(file) => to_stack(plan, Path::new(file)),
        None => to_process(plan, &wire()).await,
    };
    tell(plan, report, begun.elapsed())
}

/// The batches in the order in which they are sent, each with the number of its person.
fn batches(plan: LoadPlan, company: CompanyId, cards: &[CardId]) -> Vec<(usize, AcceptedBatch)> {
    let mut random = Random(plan.seed);
    let now = Clock::system().now();
    let mut placed = Vec::new();
    for nth in 0..plan.batches {
        let number = random.below(plan.persons);
        let card = cards[usize::try_from(random.below(cards.len() as u64)).unwrap_or_default()];
        let visit = Visit { company, person: visits::person(number), card, received_at: now, events: plan.events };
        let batch = (usize::try_from(number).unwrap_or_default(), visits::batch(visit, &mut random));
        let copies = 1 + u64::from(random.below(100) < plan.duplicates);
        placed.extend((0..copies).map(|_| (nth + random.below(plan.window + 1), batch.clone())));
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, batch)| batch).collect()
}

/// Waits until the nth batch is due.
fn pace(plan: LoadPlan, begun: Instant, nth: usize) {
    if plan.rate > 0 {
        let due = begun + Duration::from_secs_f64(nth as f64 / plan.rate as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

impl LoadReport {
    fn add(&mut self, status: u64, time: Duration) {
        match status {
            202 => self.accepted += 1,
            400..500 => self.refused += 1,
            _ => self.failed += 1,
        }
        self.times.push(time);
    }
}

async fn to_process(plan: LoadPlan, wire: &Wire) -> LoadReport {
    let stage = Stage::empty().await;
    let world = &stage.world;
    world.clock.advance(Clock::system().now().millis() - world.clock.now().millis());
    let cards = ["lin", "chen", "wang"].map(|name| world.card(name));
    let batches = batches(plan, world.company.id(), &cards);
    let mut process = Process::start(&binary("tracking"), &variables(&stage.places(wire))).expect("tracking starts");
    let mut report = LoadReport::default();
    let begun = Instant::now();
    for (nth, (_, batch)) in batches.iter().enumerate() {
        pace(plan, begun, nth);
        let payload = request(world, batch);
        let sent = Instant::now();
        let outcome = process.invoke(payload).expect("an outcome");
        let InvocationOutcome::Answer(answer) = outcome else { panic!("tracking: {outcome:?}") };
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        report.add(answer["statusCode"].as_u64().unwrap_or_default(), sent.elapsed());
    }
    report
}

fn to_stack(plan: LoadPlan, file: &Path) -> LoadReport {
    let text = std::fs::read_to_string(file).expect("the file of people is there");
    let people: People = serde_json::from_str(&text).expect("the file of people is as scripts/lib/people.py prints it");
    // The company comes from the token; the one in the batch is not sent.
    let batches = batches(plan, CompanyId::from_uuid(Uuid::nil()), &people.cards);
    let (report, next) = (Mutex::new(LoadReport::default()), Mutex::new(batches.iter().enumerate()));
    let begun = Instant::now();
    std::thread::scope(|threads| {
        for _ in 0..CONNECTIONS {
            threads.spawn(|| {
                let mut connection = Connection::to(&people.url);
                loop {
                    let Some((nth, (person, batch))) = next.lock().expect("no thread has failed").next() else { break };
                    pace(plan, begun, nth);
                    let message = post(&people, *person, batch);
                    let sent = Instant::now();
                    let status = connection.call(&message).map_or(0, |answer| u64::from(answer.status()));
                    report.lock().expect("no thread has failed").add(status, sent.elapsed());
                }
            });
        }
    });
    report.into_inner().expect("no thread has failed")
}

fn post(people: &People, person: usize, batch: &AcceptedBatch) -> Message {
    let (host, base) = people.url.trim_start_matches("http://").split_once('/').unwrap_or((&people.url, ""));
    let token = &people.tokens[person % people.tokens.len()];
    let headers = [
        ("host", host.to_owned()),
        ("content-type", "application/json".to_owned()),
        ("authorization", format!("Bearer {token}")),
    ];
    Message {
        start: format!("POST /{base}/v1/events HTTP/1.1"),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: body(batch).to_string().into_bytes(),
    }
}

fn tell(plan: LoadPlan, mut report: LoadReport, took: Duration) -> ExitCode {
    let LoadReport { accepted, refused, failed, times } = &mut report;
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
    let per_second = *accepted as f64 / took.as_secs_f64();
    println!("accepted   {accepted} batches of {} events, repeats included", plan.events);
    println!("refused    {refused} (4xx)");
    println!("failed     {failed} (5xx, or no answer)");
    println!("rate       {per_second:.0} batches/s, {:.0} events/s", per_second * f64::from(plan.events));
    println!("latency    p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms", at(50), at(95), at(99));
    if *refused + *failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
