//! Faults at every call of the actions: a caller who retries gets the answer that they would have
//! got, and the table is as if nothing had failed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use runtime::config::Env;
use testkit::world::World;

use crate::acts::{Act, Answer, all};
use crate::faults::Fault;
use crate::sites::{self, Site};
use crate::stage::Stage;
use crate::studio::Studio;
use crate::tap::{Called, FaultPlan};

/// Companies that are used at the same time.
const WORKERS: usize = 2;
/// Most trials of a call that occurs again and again in one run.
const OF_A_PLACE_MAX: usize = 3;

/// How often each fault was injected at a call, by trial.
type Tried = BTreeMap<(&'static str, Called, Fault, bool), usize>;

/// The results of the trials.
#[derive(Debug, Default)]
struct Found {
    tried: Tried,
    trials: usize,
    wrong: Vec<String>,
}

/// Tries all actions, or those whose name contains `only`; returns the faults found.
pub(crate) fn run(only: &str) -> Vec<String> {
    let sites: Arc<[Site]> = sites::all().into();
    let acts = all().into_iter().filter(|act| act.name().contains(only));
    let (past, new_id): (VecDeque<_>, VecDeque<_>) = acts.partition(Act::needs_a_past);
    let (past, new_id, found) = (Mutex::new(past), Mutex::new(new_id), Mutex::default());
    std::thread::scope(|threads| {
        for nth in 0..WORKERS {
            let (past, new_id, found, sites) = (&past, &new_id, &found, &sites);
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(async {
                    if nth == 0 {
                        work(past, found, sites, true).await;
                    }
                    work(new_id, found, sites, false).await;
                });
            });
        }
    });
    let Found { tried, trials, mut wrong } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    report(&tried);
    println!("{trials} trials, {} wrong", wrong.len());
    if only.is_empty() {
        wrong.extend(untried(&sites, &tried));
    }
    wrong
}

/// Tries the waiting actions, in a company of its own.
async fn work(waiting: &Mutex<VecDeque<Act>>, found: &Mutex<Found>, sites: &Arc<[Site]>, past: bool) {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let Some(mut act) = next() else { return };
    let dynamodb = Env::process().required("LAB_DYNAMODB").expect("scripts/lab says where DynamoDB is");
    let world = if past { Box::pin(Stage::with_past()).await.world } else { World::new().await };
    let mut studio = Studio::around(world, Arc::clone(sites), &dynamodb, past).await;
    let before = past.then(|| studio.table.rows());
    loop {
        let of_act = Box::pin(try_out(&mut studio, &act)).await;
        println!("{:<60} {} trials{}", act.name(), of_act.trials, if of_act.wrong.is_empty() { "" } else { ", WRONG" });
        of_act.wrong.iter().for_each(|line| println!("    {line}"));
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.trials += of_act.trials;
        found.wrong.extend(of_act.wrong);
        for (what, times) in of_act.tried {
            *found.tried.entry(what).or_default() += times;
        }
        drop(found);
        let Some(another) = next() else { break };
        act = another;
    }
    if before.is_some_and(|before| before != studio.table.rows()) {
        found.lock().unwrap_or_else(PoisonError::into_inner).wrong.push("a route that reads has written".to_owned());
    }
}

/// The result of an action without faults.
struct Undisturbed {
    known: BTreeSet<String>,
    answer: Answer,
    calls: Vec<Called>,
    /// Answer and table.
    once: Vec<String>,
    /// The same if the action runs as late as a retry.
    later: Vec<String>,
    /// When it runs, and when it runs again.
    twice: Vec<String>,
}

impl Undisturbed {
    /// The allowed results of a caller who had to retry.
    fn repeated(&self, act: &Act) -> Vec<&Vec<String>> {
        if act.counts_twice() { vec![&self.later, &self.twice] } else { vec![&self.later] }
    }
}

async fn undisturbed(studio: &mut Studio, act: &Act) -> Undisturbed {
    studio.rewind();
    let ready = act.ready(studio).await;
    let known = studio.known();
    studio.tap.note();
    let answer = ready.go(studio).await;
    let calls = studio.tap.noted();
    assert!(act.is_fine(&answer), "{} answered {}", act.name(), answer.text());
    let once = seen(studio, act, &answer, &known);
    studio.world.clock.advance(act.rest_ms());
    let again = ready.go(studio).await;
    let twice = seen(studio, act, &again, &known);
    let mut later = once.clone();
    if act.rest_ms() > 0 {
        studio.rewind();
        let ready = act.ready(studio).await;
        studio.world.clock.advance(act.rest_ms());
        let answer = ready.go(studio).await;
        later = seen(studio, act, &answer, &known);
    }
    Undisturbed { known, answer, calls, once, later, twice }
}

/// Answer and table, without the parts that may differ between attempts.
fn seen(studio: &mut Studio, act: &Act, answer: &Answer, known: &BTreeSet<String>) -> Vec<String> {
    let mut seen = studio.seen(&answer.text(), known);
    seen.retain(|text| !act.is_report(text));
    seen
}

async fn try_out(studio: &mut Studio, act: &Act) -> Found {
    let good = undisturbed(studio, act).await;
    let mut found = Found::default();
    let mut tell = |what: String, wrong: Option<String>| {
        found.trials += 1;
        found.wrong.extend(wrong.map(|wrong| format!("{}, {what}: {wrong}", act.name())));
    };
    let is_once = act.counts_twice() || act.rest_ms() > 0 || good.twice == good.once;
    tell("twice".to_owned(), (!is_once).then(|| format!("{:?}", good.twice)));
    let mut of_place: BTreeMap<&Called, usize> = BTreeMap::new();
    let mut tried = Tried::new();
    for (call, called) in (1..).zip(&good.calls) {
        let times = of_place.entry(called).or_default();
        *times += 1;
        if *times > OF_A_PLACE_MAX {
            continue;
        }
        for (fault, lasts) in faults(&called.1) {
            let plan = FaultPlan { call, fault, lasts };
            let what = format!("call {call} {}, {}{}", called.1, fault.name(), if lasts { ", lasting" } else { "" });
            tell(what, disturbed(studio, act, &good, plan).await);
            *tried.entry((act.tries_as(), called.clone(), fault, lasts)).or_default() += 1;
        }
    }
    found.tried = tried;
    found
}

/// The fault of a call, once or lasting.
fn faults(operation: &str) -> Vec<(Fault, bool)> {
    let of_batches = (operation == "BatchGetItem").then_some(Fault::PartOfBatch);
    Fault::OF_CALLS.into_iter().chain(of_batches).flat_map(|fault| [(fault, false), (fault, true)]).collect()
}

/// Runs the action with a fault, and again if it failed; returns the differences.
async fn disturbed(studio: &mut Studio, act: &Act, good: &Undisturbed, plan: FaultPlan) -> Option<String> {
    studio.rewind();
    let ready = act.ready(studio).await;
    studio.tap.set_plan(Some(plan));
    let answer = ready.go(studio).await;
    let happened = studio.tap.happened();
    studio.tap.set_plan(None);
    if happened == 0 {
        return Some("the fault has not happened".to_owned());
    }
    if answer.status == good.answer.status {
        return compared(studio, act, good, &answer, &[&good.once]);
    }
    let is_temporary =
        matches!((answer.status, answer.body["code"].as_str()), (503, Some(_)) | (409, Some("request_in_progress")));
    if !is_temporary || !answer.again {
        return Some(format!("the first answer is {}", answer.text()));
    }
    studio.world.clock.advance(act.rest_ms());
    let answer = ready.go(studio).await;
    compared(studio, act, good, &answer, &good.repeated(act))
}

/// The differences from an action without faults, in words.
fn compared(
    studio: &mut Studio,
    act: &Act,
    good: &Undisturbed,
    answer: &Answer,
    expected: &[&Vec<String>],
) -> Option<String> {
    let seen = seen(studio, act, answer, &good.known);
    if expected.contains(&&seen) {
        return None;
    }
    let expected = expected.first()?;
    let lacks = |these: &[String], those: &[String]| {
        these
            .iter()
            .filter(|text| !those.contains(text))
            .map(|text| format!("\n            {text}"))
            .collect::<String>()
    };
    Some(format!("\n        is {}\n        not {}", lacks(&seen, expected), lacks(expected, &seen)))
}

/// Site by fault: how often the fault was injected.
fn report(tried: &Tried) {
    type Cells = BTreeMap<(Fault, bool), usize>;
    let mut table: BTreeMap<(&str, &Called), Cells> = BTreeMap::new();
    for ((who, called, fault, lasts), times) in tried {
        *table.entry((who, called)).or_default().entry((*fault, *lasts)).or_default() += times;
    }
    println!("injected, once and lastingly:");
    for ((who, (place, operation)), cells) in table {
        let cell = |fault: Fault| {
            let of = |lasts| cells.get(&(fault, lasts)).copied();
            Some(format!("{} {}+{}", fault.name(), of(false)?, of(true)?))
        };
        let cells: Vec<_> = Fault::OF_CALLS.into_iter().chain([Fault::PartOfBatch]).filter_map(cell).collect();
        println!("  {place} {operation} ({who}): {}", cells.join(", "));
    }
}

/// The errors in the list of call sites.
fn untried(sites: &[Site], tried: &Tried) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for (who, (place, operation), ..) in tried.keys() {
        let listed = sites.iter().any(|site| {
            site.place == *place && site.operation == *operation && site.tried_by.iter().any(|by| by == who)
        });
        if !listed {
            wrong.insert(format!("tests/lab/call-sites.tsv: {place} {operation} is tried by {who}: say so there"));
        }
    }
    let everybody: BTreeSet<_> = all().iter().map(Act::tries_as).collect();
    for site in sites {
        for who in everybody.iter().filter(|who| site.tried_by.iter().any(|by| by == *who)) {
            let called = (site.place.clone(), site.operation.clone());
            for (fault, lasts) in faults(&site.operation) {
                if !tried.contains_key(&(*who, called.clone(), fault, lasts)) {
                    wrong.insert(format!("{} {}: {} was not tried by {who}", site.place, site.operation, fault.name()));
                }
            }
        }
    }
    wrong.into_iter().collect()
}
