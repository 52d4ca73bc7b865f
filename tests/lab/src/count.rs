//! Instructions of a release binary, counted by valgrind: unlike times they are the same on every
//! machine, and nearly the same in every run. `lab host --check` compares them with bounds.

use std::collections::BTreeMap;
use std::io::Result;
use std::path::Path;

use testkit::world::World;

use crate::host::Process;
use crate::subject::{BenchSubject, HELLO, call, event_of};

/// The goal, and the bound that `--check` allows until the goal is reached: it only falls.
struct Bound {
    goal: f64,
    most: f64,
}

/// In MB; the others in multiples of hello.
const SIZE: Bound = Bound { goal: 6.5, most: 9.4 };
const START: Bound = Bound { goal: 4.0, most: 5.4 };
const KNOWN: Bound = Bound { goal: 6.0, most: 6.5 };
const NEW: Bound = Bound { goal: 9.0, most: 10.0 };

/// The warm read with a bound: one query without result.
const READ: (&str, &str) = ("radar", "get_company_metrics");
/// Calls that are counted, after the warm-up.
const CALLS: usize = 20;
const WARM_UP: usize = 10;

const HEADER: &str = "                      size MB     to the first poll      a warm call";

/// Counts and prints; returns the exceeded bounds, one line each. Warm calls are those of the read,
/// and with `all` also those of every function that is called.
pub(crate) fn run(
    subjects: &[BenchSubject],
    world: &World,
    environment: &BTreeMap<String, String>,
    all: bool,
) -> Vec<String> {
    println!("instructions, in thousands, and how often what hello takes:\n{HEADER}");
    let [known, new] = reads(world);
    let (mut wrong, mut hello) = (Vec::new(), None);
    for subject in subjects {
        let size = std::fs::metadata(&subject.binary).map_or(0, |file| file.len());
        let start = counted(&subject.binary, environment, &[]);
        // The work of hello for the same event: it parses it, and answers.
        let (start_base, warm_base) = *hello.get_or_insert_with(|| (start, warm(subject, environment, &known)));
        let payload = subject.payload.as_ref().filter(|_| all && subject.name != HELLO);
        let warm = payload.map(|payload| text(warm(subject, environment, &vec![payload.clone(); CALLS]), warm_base));
        let warm = if subject.name == HELLO { Some(text(warm_base, warm_base)) } else { warm };
        let (size_mb, warm) = (size as f64 / 1e6, warm.unwrap_or_default());
        println!("{:<20}{size_mb:>9.2}{:>22}{warm:>17}", subject.name, text(start, start_base));
        wrong.extend(over(&format!("the size of {} in MB", subject.name), size_mb, &SIZE));
        wrong.extend(over(&format!("the start of {}", subject.name), ratio(start, start_base), &START));
    }
    let (_, hello) = hello.unwrap_or_default();
    let Some(reader) = subjects.iter().find(|subject| subject.name == READ.0) else { return wrong };
    for (which, payloads, bound) in [("known", known, KNOWN), ("new", new, NEW)] {
        let what = format!("{} with a {which} token", READ.1);
        let read = warm(reader, environment, &payloads);
        println!("{what:<51}{:>17}", text(read, hello));
        wrong.extend(over(&what, ratio(read, hello), &bound));
    }
    wrong
}

/// The read, repeated with one token, and with a new token each time.
fn reads(world: &World) -> [Vec<Vec<u8>>; 2] {
    let known = vec![event_of(world, READ.0, READ.1); CALLS];
    let new = (0..CALLS).map(|_| {
        world.clock.advance(-1_000);
        event_of(world, READ.0, READ.1)
    });
    [known, new.collect()]
}

/// Instructions of one of these calls, after others of the kind.
fn warm(subject: &BenchSubject, environment: &BTreeMap<String, String>, payloads: &[Vec<u8>]) -> u64 {
    let first = vec![payloads[0].clone(); WARM_UP];
    let all = [&first, payloads].concat();
    let (before, after) = (counted(&subject.binary, environment, &first), counted(&subject.binary, environment, &all));
    after.saturating_sub(before) / payloads.len() as u64
}

/// Instructions of a process that starts, answers these calls and ends.
fn counted(binary: &Path, environment: &BTreeMap<String, String>, payloads: &[Vec<u8>]) -> u64 {
    let report = std::env::temp_dir().join(format!("mingpian-callgrind.{}", std::process::id()));
    let valgrind = ["valgrind", "--tool=callgrind", "--vgdb=no", "--quiet", "--compress-strings=no"].map(str::to_owned);
    let report_to = format!("--callgrind-out-file={}", report.display());
    let count = || -> Result<u64> {
        let mut process = Process::start_under(&[&valgrind[..], &[report_to]].concat(), binary, environment)?;
        for payload in payloads {
            call(&mut process, &binary.display().to_string(), payload);
        }
        process.end()?;
        let report = std::fs::read_to_string(&report)?;
        let total = report.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
        total.ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    };
    let instructions = count().expect("valgrind counts: scripts/setup valgrind says what is missing");
    // The next process writes its own file.
    let _ = std::fs::remove_file(&report);
    instructions
}

fn text(instructions: u64, base: u64) -> String {
    format!("{} ({:.2}×)", instructions / 1_000, ratio(instructions, base))
}

/// The fault if more was measured than the bound; prints numbers that miss their goal.
fn over(what: &str, measured: f64, bound: &Bound) -> Option<String> {
    if measured > bound.goal && measured <= bound.most {
        println!("short of the goal: {what} is {measured:.2}, wanted is {}", bound.goal);
    }
    (measured > bound.most).then(|| format!("{what} is {measured:.2}, more than {}", bound.most))
}

fn ratio(instructions: u64, base: u64) -> f64 {
    instructions as f64 / base.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_over_their_bound_are_named_and_numbers_short_of_the_goal_pass() {
        let bound = Bound { goal: 4.0, most: 8.0 };
        assert_eq!((over("a start", 4.0, &bound), over("a start", 8.0, &bound)), (None, None));
        assert_eq!(over("the start of crm", 8.01, &bound).unwrap(), "the start of crm is 8.01, more than 8");
    }
}
