//! Several aggregators at work, each a process behind its own wire, which fail and are killed now
//! and then.

use std::collections::{BTreeMap, VecDeque};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::environment::{Places, variables};
use crate::faults::{Fault, Faults, Rule, When};
use crate::host::{InvocationOutcome, Process};
use crate::random::Random;
use crate::trials::{binary, event, failures};
use crate::wire::Wire;

/// Aggregators at work at the same time.
const WORKERS: u64 = 2;
/// Most messages in one call.
const MESSAGES_MAX: u64 = 100;
/// Most deliveries of a message.
const ATTEMPTS: u32 = 40;
/// The faults.
const OPERATIONS: [&str; 2] = ["BatchGetItem", "TransactWriteItems"];

/// The aggregators.
#[derive(Debug)]
pub(crate) struct Fleet(Vec<Worker>);

/// An aggregator.
#[derive(Debug)]
struct Worker {
    wire: Arc<Wire>,
    variables: BTreeMap<String, String>,
    process: Option<Process>,
    random: Random,
    report: FleetReport,
}

/// The counts of the fleet.
#[derive(Debug, Default, Clone)]
pub(crate) struct FleetReport {
    /// Messages that were delivered to an aggregator, repeats included.
    pub(crate) delivered: usize,
    /// Calls of the aggregators.
    pub(crate) calls: usize,
    /// Processes that were killed while at work.
    pub(crate) killed: usize,
    /// The faults at the wire.
    pub(crate) faults: BTreeMap<Fault, u32>,
}

impl FleetReport {
    fn add_all(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.calls += other.calls;
        self.killed += other.killed;
        for (fault, times) in &other.faults {
            *self.faults.entry(*fault).or_default() += times;
        }
    }
}

impl Fleet {
    /// A fleet; each call of AWS gets each fault this many times in a thousand.
    pub(crate) fn new(places: &Places, like: &Wire, permille: u64, seed: u64) -> Self {
        let worker = |nth| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
            let wire = like.another(listener);
            wire.stop_weighing();
            wire.set_faults(Faults::of(rules(permille), seed + nth));
            let variables = variables(&Places { wire: wire.address().to_owned(), ..places.clone() });
            Worker { wire, variables, process: None, random: Random(seed + nth), report: FleetReport::default() }
        };
        Self((0..WORKERS).map(worker).collect())
    }

    /// Delivers the messages until all of them are counted.
    pub(crate) fn deliver(&mut self, messages: Vec<String>) {
        let waiting: VecDeque<_> = messages.into_iter().map(|body| (body, 1)).collect();
        let waiting = Mutex::new(waiting);
        std::thread::scope(|threads| {
            for worker in &mut self.0 {
                threads.spawn(|| worker.work(&waiting));
            }
        });
        let left = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert!(left.is_empty(), "every message is counted");
    }

    /// The counts of all aggregators.
    pub(crate) fn report(self) -> FleetReport {
        let mut sum = FleetReport::default();
        for mut worker in self.0 {
            worker.report.faults = worker.wire.set_faults(Faults::default()).happened;
            sum.add_all(&worker.report);
        }
        sum
    }
}

/// Every fault at every call of the aggregator, except calls for its dead letters.
fn rules(permille: u64) -> Vec<Rule> {
    let faults = [Fault::OF_CALLS.as_slice(), &Fault::OF_PROCESSES, &[Fault::PartOfBatch]].concat();
    let rule = |operation: &str, fault| {
        let possible = fault != Fault::PartOfBatch || operation == "BatchGetItem";
        possible.then(|| Rule { operation: operation.to_owned(), fault, when: When::Permille(permille) })
    };
    OPERATIONS.iter().flat_map(|operation| faults.iter().filter_map(|fault| rule(operation, *fault))).collect()
}

type Waiting = VecDeque<(String, u32)>;

impl Worker {
    fn work(&mut self, waiting: &Mutex<Waiting>) {
        loop {
            let size = usize::try_from(1 + self.random.below(MESSAGES_MAX)).unwrap_or(1);
            let mut queue = lock(waiting);
            let size = size.min(queue.len());
            let batch: Vec<_> = queue.drain(..size).collect();
            drop(queue);
            if batch.is_empty() {
                return;
            }
            for nth in self.call(&batch) {
                let (body, attempts) = batch[nth].clone();
                assert!(attempts < ATTEMPTS, "a message was delivered {attempts} times");
                lock(waiting).push_back((body, attempts + 1));
            }
        }
    }

    /// Lets the aggregator count messages; returns those that must be delivered again.
    fn call(&mut self, batch: &[(String, u32)]) -> Vec<usize> {
        self.report.calls += 1;
        self.report.delivered += batch.len();
        let (wire, variables) = (&self.wire, &self.variables);
        let process = self.process.get_or_insert_with(|| {
            let process = Process::start(&binary("radar-aggregator"), variables).expect("the function starts");
            wire.set_victim(Some(process.pid()));
            process
        });
        match process.invoke(event(batch)).expect("an outcome") {
            InvocationOutcome::Answer(answer) => failures(&answer),
            InvocationOutcome::Failed(_) => (0..batch.len()).collect(),
            InvocationOutcome::Died => {
                self.process = None;
                self.report.killed += 1;
                (0..batch.len()).collect()
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
