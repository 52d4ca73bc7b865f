//! `lab host`: the release binaries beside a bare hello function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use runtime::clock::Clock;

use crate::count;
use crate::environment::variables;
use crate::host::Process;
use crate::meter::repository;
use crate::stage::Stage;
use crate::subject::{BenchSubject, HELLO, call, event_of};
use crate::trials::binary;
use crate::wire::Wire;

/// How often each function is started, in turns, so that a busy moment affects all of them.
const STARTS: usize = 101;
/// Invocations that are measured, after the warm-up.
/// They are of one person, whose budget has 1,000 events at once, three in each request.
const INVOCATIONS: usize = 250;
const WARM_UP: usize = 30;
/// Functions and the event file that each is called with. The others are only started; so is
/// housekeeping, which deletes files: there is no S3 behind the wire.
const CASES: [(&str, Option<&str>); 11] = [
    ("organization", Some("get_me")),
    ("card", Some("get_card")),
    ("tracking", Some("record_events")),
    ("radar", Some("get_card_metrics")),
    ("radar-aggregator", Some("stats")),
    ("housekeeping", None),
    ("recount", None),
    ("live", None),
    ("media-inspector", None),
    ("crm", None),
    ("video", None),
];

const HEADER: &str = "                    cold start ms       its CPU ms     CPU µs a call   p50 µs   p99 µs   RSS MB";

/// The measurements of a function.
struct Measured {
    cold_start: Duration,
    cold_cpu: Duration,
    calls: Option<Calls>,
    memory_kib: u64,
}

/// The measurements of its invocations.
struct Calls {
    cpu: Duration,
    p50: Duration,
    p99: Duration,
}

/// Counts instructions and prints them. With `check` it fails if a bound is exceeded; without it
/// measures times too.
pub(crate) async fn run(wire: &Wire, check: bool) -> ExitCode {
    let stage = Stage::empty().await;
    stage.world.clock.advance(Clock::system().now().millis() - stage.world.clock.now().millis());
    let environment = variables(&stage.places(wire));
    let mut subjects = vec![subject(HELLO, repository(".build/lab/lab-hello/bootstrap"), Some(b"{}".to_vec()))];
    let payload = |name, case: Option<&str>| case.map(|case| event_of(&stage.world, name, case));
    let of = |(name, case)| subject(name, binary(name), payload(name, case));
    subjects.extend(CASES.map(of));
    let wrong = count::run(&subjects, &stage.world, &environment, !check);
    wrong.iter().for_each(|line| println!("over the bound: {line}"));
    if check {
        return if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    times(&mut subjects, &environment);
    ExitCode::SUCCESS
}

fn times(subjects: &mut [BenchSubject], environment: &BTreeMap<String, String>) {
    for _ in 0..STARTS {
        for subject in &mut *subjects {
            let process = Process::start(&subject.binary, environment).expect("the function starts");
            // The minimum: other work on the machine only adds time.
            subject.cold_start = subject.cold_start.min(process.cold_start);
            subject.cold_cpu = subject.cold_cpu.min(cpu(process.pid()));
        }
    }
    println!("{HEADER}");
    let mut hello: Option<Measured> = None;
    for subject in subjects {
        let process = Process::start(&subject.binary, environment).expect("the function starts");
        let measured = measure(subject, process);
        println!("{}", line(subject.name, &measured, hello.as_ref().unwrap_or(&measured)));
        hello = hello.or(Some(measured));
    }
}

fn subject(name: &'static str, binary: PathBuf, payload: Option<Vec<u8>>) -> BenchSubject {
    assert!(binary.exists(), "{} is missing: scripts/build release", binary.display());
    BenchSubject { name, binary, payload, cold_start: Duration::MAX, cold_cpu: Duration::MAX }
}

fn measure(subject: &BenchSubject, mut process: Process) -> Measured {
    let calls = subject.payload.as_ref().map(|payload| invocations(&mut process, subject.name, payload));
    Measured {
        cold_start: subject.cold_start,
        cold_cpu: subject.cold_cpu,
        calls,
        memory_kib: memory_kib(process.pid()),
    }
}

fn invocations(process: &mut Process, name: &str, payload: &[u8]) -> Calls {
    for _ in 0..WARM_UP {
        call(process, name, payload);
    }
    let before = cpu(process.pid());
    let mut times: Vec<_> = (0..INVOCATIONS).map(|_| call(process, name, payload)).collect();
    let cpu = (cpu(process.pid()) - before) / u32::try_from(INVOCATIONS).unwrap_or(u32::MAX);
    times.sort();
    Calls { cpu, p50: times[INVOCATIONS / 2], p99: times[INVOCATIONS * 99 / 100] }
}

fn line(name: &str, measured: &Measured, hello: &Measured) -> String {
    let millis = |time: Duration, base| format!("{:.2} ({:.2}×)", time.as_secs_f64() * 1_000.0, ratio(time, base));
    let cold = millis(measured.cold_start, hello.cold_start);
    let cold_cpu = millis(measured.cold_cpu, hello.cold_cpu);
    let calls = measured.calls.as_ref().zip(hello.calls.as_ref()).map_or_else(String::new, |(calls, hello)| {
        let cpu = format!("{} ({:.1}×)", calls.cpu.as_micros(), ratio(calls.cpu, hello.cpu));
        format!("{cpu:>18}{:>9}{:>9}", calls.p50.as_micros(), calls.p99.as_micros())
    });
    format!("{name:<18}{cold:>18}{cold_cpu:>18}{calls:>36}{:>9.1}", measured.memory_kib as f64 / 1_024.0)
}

fn ratio(time: Duration, base: Duration) -> f64 {
    time.as_secs_f64() / base.as_secs_f64()
}

/// Time on the processor of all threads of a process.
fn cpu(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = |task: &Path| -> Option<u64> {
        std::fs::read_to_string(task.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    Duration::from_nanos(tasks.filter_map(|task| nanos(&task.path())).sum())
}

/// The most memory that a process has had.
fn memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
