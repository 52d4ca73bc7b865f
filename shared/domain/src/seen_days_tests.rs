use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Plain counters, filled only from the changes.
#[derive(Default)]
struct Counters {
    seen: BTreeMap<Day, i64>,
    gaps: BTreeMap<(Day, u8), i64>,
    first: BTreeMap<Day, i64>,
    lifetime: i64,
}

impl Counters {
    fn add(&mut self, change: Change) {
        match change {
            Change::Seen(day, by) => *self.seen.entry(day).or_default() += by,
            Change::Gap(day, gap, by) => *self.gaps.entry((day, gap)).or_default() += by,
            Change::First(day, by) => *self.first.entry(day).or_default() += by,
            Change::Lifetime => self.lifetime += 1,
        }
    }

    fn distinct(&self, from: i32, to: i32) -> i64 {
        (from..=to)
            .map(|x| {
                let day = Day::from_number(x);
                let seen = self.seen.get(&day).copied().unwrap_or(0);
                let returned: i64 =
                    (1..=to - x).map(|g| self.gaps.get(&(day, u8::try_from(g).unwrap())).copied().unwrap_or(0)).sum();
                seen - returned
            })
            .sum()
    }
}

proptest! {
    /// Against plain sets: any people, any days, any order, any window up to 30 days.
    #[test]
    fn every_window_counts_the_distinct_people(
        sights in prop::collection::vec((0usize..6, 1_000i32..1_100), 1..120),
        from in 995i32..1_105,
        width in 1i32..=30,
    ) {
        let mut people: BTreeMap<usize, SeenDays> = BTreeMap::new();
        let mut counters = Counters::default();
        for (person, day) in &sights {
            for change in people.entry(*person).or_default().see(Day::from_number(*day)).unwrap() {
                counters.add(change);
            }
        }
        let to = from + width - 1;
        let expected: BTreeSet<_> = sights.iter().filter(|(_, day)| (from..=to).contains(day)).map(|(person, _)| person).collect();
        prop_assert_eq!(counters.distinct(from, to), i64::try_from(expected.len()).unwrap());
        let everyone: BTreeSet<_> = sights.iter().map(|(person, _)| person).collect();
        prop_assert_eq!(counters.lifetime, i64::try_from(everyone.len()).unwrap());
        for (day, count) in &counters.first {
            let firsts = everyone.iter().filter(|person| {
                sights.iter().filter(|(p, _)| p == **person).map(|(_, d)| *d).min() == Some(day.number())
            });
            prop_assert_eq!(*count, i64::try_from(firsts.count()).unwrap());
        }
    }

    #[test]
    fn the_stored_text_reads_back(days in prop::collection::vec(1_000i32..1_120, 0..40)) {
        let mut seen = SeenDays::default();
        for day in days {
            seen.see(Day::from_number(day)).unwrap();
        }
        prop_assert_eq!(SeenDays::try_from(String::from(seen)), Ok(seen));
    }
}

#[test]
fn a_day_beyond_memory_is_refused_and_changes_nothing() {
    let mut seen = SeenDays::default();
    seen.see(Day::from_number(1_000)).unwrap();
    seen.see(Day::from_number(2_000)).unwrap();
    let before = seen;
    assert_eq!(seen.see(Day::from_number(1_872)), Err(TooOld));
    assert_eq!(seen, before);
    assert!(seen.see(Day::from_number(1_873)).is_ok());
}

#[test]
fn broken_text_is_refused() {
    for text in ["1", "1.2", "a.b.c", "1.2.", "1.2.xyz"] {
        assert!(SeenDays::try_from(text.to_owned()).is_err(), "{text}");
    }
}
