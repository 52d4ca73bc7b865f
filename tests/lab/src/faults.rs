//! Which calls fail, and how.

use std::collections::BTreeMap;

use crate::random::Random;

/// The fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection breaks before the service gets the request.
    LostRequest,
    /// The service has done the work; the connection breaks before the answer arrives.
    LostAnswer,
    /// The service rejects the call: too many requests.
    Throttled,
    /// The service answers 500.
    ServerError,
    /// A batch read leaves out half of its keys.
    PartOfBatch,
    /// The calling process is killed before the service gets the request.
    KilledBefore,
    /// The service has done the work; the calling process is killed.
    KilledAfter,
}

impl Fault {
    /// Faults of a connection, in the order of the reports.
    pub(crate) const OF_CALLS: [Self; 4] = [Self::LostRequest, Self::LostAnswer, Self::Throttled, Self::ServerError];
    /// Faults that need a separate process.
    pub(crate) const OF_PROCESSES: [Self; 2] = [Self::KilledBefore, Self::KilledAfter];

    /// As reports and tables write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LostRequest => "request lost",
            Self::LostAnswer => "answer lost",
            Self::Throttled => "throttled",
            Self::ServerError => "500",
            Self::PartOfBatch => "part of batch",
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
        }
    }

    /// Whether the service did the work in spite of the fault.
    pub(crate) fn after_commit(self) -> bool {
        matches!(self, Self::LostAnswer | Self::KilledAfter)
    }
}

/// When a fault happens.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The AWS operation, for example `TransactWriteItems`.
    pub(crate) operation: String,
    /// The fault.
    pub(crate) fault: Fault,
    /// The calls that it affects.
    pub(crate) when: When,
}

/// Calls of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    /// Calls from the `first` one (1 is the next), `times` of them.
    Nth { first: u32, times: u32 },
    /// This many of a thousand calls, by the seed.
    Permille(u64),
}

/// The faults in force. Empty: none.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    seen: BTreeMap<String, u32>,
    random: Random,
    /// How often each fault has happened.
    pub(crate) happened: BTreeMap<Fault, u32>,
}

impl Faults {
    /// Sets these rules; calls are counted from 1.
    pub(crate) fn of(rules: Vec<Rule>, seed: u64) -> Self {
        Self { rules, random: Random(seed), ..Self::default() }
    }

    /// The fault of the next call of an operation, if any.
    pub(crate) fn next(&mut self, operation: &str) -> Option<Fault> {
        let seen = self.seen.entry(operation.to_owned()).or_default();
        *seen += 1;
        let random = &mut self.random;
        let now = |rule: &&Rule| match rule.when {
            When::Nth { first, times } => (first..first + times).contains(seen),
            When::Permille(permille) => random.below(1_000) < permille,
        };
        let fault = self.rules.iter().filter(|rule| rule.operation == operation).find(now)?.fault;
        *self.happened.entry(fault).or_default() += 1;
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_hits_the_calls_it_names_and_no_other() {
        let when = When::Nth { first: 2, times: 2 };
        let rule = Rule { operation: "GetItem".to_owned(), fault: Fault::Throttled, when };
        let mut faults = Faults::of(vec![rule], 1);
        let hits: Vec<_> = (0..4).map(|_| faults.next("GetItem").is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
        assert_eq!(faults.next("PutItem"), None);
        assert_eq!(faults.happened, BTreeMap::from([(Fault::Throttled, 2)]));
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let rule = Rule { operation: "GetItem".to_owned(), fault: Fault::Throttled, when: When::Permille(300) };
        let run = |seed| {
            let mut faults = Faults::of(vec![rule.clone()], seed);
            (0..1_000).map(|_| faults.next("GetItem").is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((250..350).contains(&run(7).iter().filter(|hit| **hit).count()));
    }
}
