//! `lab million`: visitors over weeks, day by day, through aggregators that fail and are killed,
//! and then every number of the radar against a recount of the requests.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use domain::kernel::day::Day;
use domain::kernel::id::{CardId, CompanyId, Id};
use domain::kernel::timestamp::DAY_MS;
use serde_json::{Map, Value};
use testkit::clock::noon;

use crate::answers::{AskedDays, afterwards, on_this_day};
use crate::compare::Comparison;
use crate::crowd::{Crowd, CrowdColleague};
use crate::faults::Fault;
use crate::fleet::{Fleet, FleetReport};
use crate::meter::repository;
use crate::options::Options;
use crate::random::Random;
use crate::stage::Stage;
use crate::visits::{made, person};
use crate::wire::Wire;

/// Its options.
pub(crate) const OPTIONS: [&str; 6] = ["events", "persons", "days", "every", "seed", "faults"];
/// The number of cards.
const CARDS: usize = 8;
/// Percentage of batches that are sent twice.
const REPEATED: u64 = 10;
/// Most differences in the output.
const SHOWN: usize = 20;

/// The parsed options.
#[derive(Debug, Clone, Copy)]
struct MillionPlan {
    events: u64,
    persons: u64,
    days: i32,
    /// The radar is compared every this many days, and on the last days.
    every: i32,
    seed: u64,
    /// How many of a thousand calls of AWS get each fault.
    faults: u64,
}

/// The requests that were sent.
#[derive(Debug, Default)]
struct Totals {
    events: u64,
    requests: usize,
    messages: usize,
    repeats: usize,
}

/// Runs it; keeps the input file if a number is wrong.
pub(crate) async fn run(options: &Options<'_>, wire: &Wire) -> ExitCode {
    let few = |name, usual| i32::try_from(options.number(name, usual)).unwrap_or(i32::MAX).clamp(1, 80);
    let plan = MillionPlan {
        events: options.number("events", 1_000_000),
        persons: options.number("persons", 20_000).max(1),
        days: few("days", 40),
        every: few("every", 1),
        seed: options.number("seed", 1),
        faults: options.number("faults", 10),
    };
    let (begun, file) = (Instant::now(), repository(".build/lab/million.jsonl"));
    wire.stop_weighing();
    let stage = Stage::empty().await;
    let cards: Vec<_> = stage.hire().await.into_iter().take(CARDS).collect();
    let mut fleet = Fleet::new(&stage.places(wire), wire, plan.faults, plan.seed);
    let first = Day::of(stage.world.clock.now());
    let asked = AskedDays { first, last: first.plus(plan.days - 1), every: plan.every };
    let (totals, mut seen) = live_through(plan, &asked, &stage, &cards, &mut fleet, &file).await;
    let counted = begun.elapsed();
    let report = fleet.report();
    eprintln!("every message is counted; now every day again, and the recount");
    let dead_letters = stage.dead_letters().await;
    seen.extend(afterwards(stage, &cards, &asked).await);
    let mut comparison = Comparison::default();
    comparison.add("radar", &recount(&file, &asked), &Value::Object(seen));
    comparison.wrong.extend(dead_letters.into_iter().map(|body| format!("dead letter: {body}")));
    tell(&totals, &report, &comparison);
    println!(
        "took                {:.0} s, {:.0} s of them for sending and counting",
        begun.elapsed().as_secs_f64(),
        counted.as_secs_f64()
    );
    let complete = plan.faults == 0 || report.killed > 0;
    if comparison.wrong.is_empty() && complete {
        std::fs::remove_file(&file).expect("the input file can be removed");
        return ExitCode::SUCCESS;
    }
    println!("the input file is kept: {}", file.display());
    ExitCode::FAILURE
}

/// Day by day: the requests, the deliveries of the queue, and the radar's numbers at the end of the
/// day.
async fn live_through(
    plan: MillionPlan,
    asked: &AskedDays,
    stage: &Stage,
    cards: &[CardId],
    fleet: &mut Fleet,
    file: &Path,
) -> (Totals, Map<String, Value>) {
    let world = &stage.world;
    let colleague = |name| CrowdColleague { person: world.staff[name].person, card: world.card(name) };
    let mut crowd = Crowd {
        company: world.company.id(),
        cards: cards.to_vec(),
        colleagues: ["lin", "chen", "wang"].map(colleague).to_vec(),
        persons: plan.persons,
        repeated: REPEATED,
        random: Random(plan.seed),
    };
    std::fs::create_dir_all(file.parent().unwrap_or(file)).expect("the folder can be made");
    let mut lines = BufWriter::new(File::create(file).expect("the input file can be made"));
    let (mut totals, mut live, begun) = (Totals::default(), Map::new(), Instant::now());
    for nth in 0..plan.days {
        let today = Day::of(world.clock.now());
        let (past, days) = (u64::try_from(nth).unwrap_or_default(), u64::try_from(plan.days).unwrap_or(1));
        let events = plan.events * (past + 1) / days - plan.events * past / days;
        let visits = crowd.day(today, events);
        for sent in &visits.sent {
            writeln!(lines, "{}", sent.line()).expect("the input file can be written");
        }
        totals.events += events;
        totals.requests += visits.sent.len();
        totals.messages += visits.messages.len();
        totals.repeats += visits.repeats;
        fleet.deliver(visits.messages);
        if asked.is_on(today) {
            live.insert(today.to_string(), on_this_day(stage, cards).await);
        }
        eprintln!("{today}: {} events, {:.0} s", totals.events, begun.elapsed().as_secs_f64());
        if nth + 1 < plan.days {
            world.clock.advance(DAY_MS);
        }
    }
    lines.flush().expect("the input file can be written");
    (totals, Map::from_iter([("live".to_owned(), Value::Object(live))]))
}

/// The counts of an independent program, which reads only the requests.
fn recount(file: &Path, asked: &AskedDays) -> Value {
    let AskedDays { first, last, every } = asked;
    let days =
        ["--first", &first.to_string(), "--last", &last.to_string(), "--every", &every.to_string()].map(str::to_owned);
    let counted = Command::new("python3").arg(repository("tests/lab/recount_sql.py")).arg(file).args(days).output();
    let counted = counted.expect("python3 is on the path");
    assert!(counted.status.success(), "{}", String::from_utf8_lossy(&counted.stderr));
    serde_json::from_slice(&counted.stdout).expect("the recount answers JSON")
}

fn tell(totals: &Totals, report: &FleetReport, comparison: &Comparison) {
    let Totals { events, requests, messages, repeats } = totals;
    let fault = |fault: Fault| report.faults.get(&fault).copied().unwrap_or_default();
    let faults: Vec<_> = report.faults.iter().map(|(fault, times)| format!("{} {times}", fault.name())).collect();
    let lost = fault(Fault::LostRequest) + fault(Fault::LostAnswer);
    println!("sent                {events} events, {requests} requests");
    println!("queued              {messages} messages, {repeats} of them repeats");
    println!("delivered           {} messages in {} calls", report.delivered, report.calls);
    println!("duplicates dropped  {}", report.delivered - (messages - repeats));
    println!("killed              {} aggregators at work", report.killed);
    println!(
        "injected            {} throttles, {} times 500, {lost} lost; in all: {}",
        fault(Fault::Throttled),
        fault(Fault::ServerError),
        faults.join(", ")
    );
    println!(
        "compared            {} numbers, {} of them by their bounds, {} wrong",
        comparison.values,
        comparison.bounded,
        comparison.wrong.len()
    );
    comparison.wrong.iter().take(SHOWN).for_each(|line| println!("    {line}"));
}

/// Prints messages of the queue, with this many events of a company of a dozen cards, for
/// `lab-pure`.
pub(crate) fn messages(events: &str) -> ExitCode {
    let Ok(events) = events.parse::<u64>() else { return ExitCode::FAILURE };
    let id = |number: u64| made(1_770_000_000_000, u128::from(number));
    let cards: Vec<_> = (0..12).map(|number| CardId::from_uuid(id(number))).collect();
    let colleagues = vec![CrowdColleague { person: person(u64::MAX), card: cards[0] }];
    let company = CompanyId::from_uuid(id(100));
    let mut crowd = Crowd { company, cards, colleagues, persons: events / 50, repeated: REPEATED, random: Random(1) };
    let mut out = std::io::stdout().lock();
    for day in 0..40 {
        for message in crowd.day(Day::of(noon()).plus(day), events / 40).messages {
            writeln!(out, "{message}").expect("somebody reads it");
        }
    }
    ExitCode::SUCCESS
}
