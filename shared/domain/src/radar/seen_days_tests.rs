use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Plain counters, filled only from the changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counters {
    seen: BTreeMap<Day, i64>,
    gaps: BTreeMap<(Day, u16), i64>,
    first: BTreeMap<Day, i64>,
    lifetime: i64,
}

impl Counters {
    fn add(&mut self, change: GapChange) {
        match change {
            GapChange::Seen(day, by) => *self.seen.entry(day).or_default() += by,
            GapChange::Gap(day, gap, by) => *self.gaps.entry((day, gap)).or_default() += by,
            GapChange::First(day, by) => *self.first.entry(day).or_default() += by,
            GapChange::Lifetime => self.lifetime += 1,
        }
    }

    /// The counters that are not zero.
    fn kept(mut self) -> Self {
        self.seen.retain(|_, by| *by != 0);
        self.gaps.retain(|_, by| *by != 0);
        self.first.retain(|_, by| *by != 0);
        self
    }

    fn distinct(&self, from: i32, to: i32) -> i64 {
        (from..=to)
            .map(|x| {
                let day = Day::from_number(x);
                let seen = self.seen.get(&day).copied().unwrap_or(0);
                let returned: i64 = (1..=x - from)
                    .map(|g| self.gaps.get(&(day, u16::try_from(g).unwrap())).copied().unwrap_or(0))
                    .sum();
                seen - returned
            })
            .sum()
    }
}

proptest! {
    /// Against plain sets: any people, any days, any order, any range up to 400 days.
    #[test]
    fn every_window_counts_the_distinct_people(
        sights in prop_oneof![
            prop::collection::vec((0usize..6, 1_000i32..1_100), 1..120),
            prop::collection::vec((0usize..6, 600i32..1_100), 1..120),
        ],
        (from, width) in prop_oneof![(995i32..1_105, 1i32..=30), (590i32..1_105, 1i32..=400)],
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
    fn what_changes_is_the_difference_of_what_the_sets_add(days in prop::collection::vec(1_000i32..1_080, 1..60)) {
        let mut seen = SeenDays::default();
        let mut counters = Counters::default();
        for day in days {
            for change in seen.see(Day::from_number(day)).unwrap() {
                counters.add(change);
            }
            prop_assert_eq!(counters.clone().kept(), added_by(&seen).kept());
        }
    }

    /// Late days and all: seeing in any order, or in parts that are joined, is one set.
    #[test]
    fn the_union_of_parts_is_the_set_of_all_days(
        days in prop::collection::vec((0usize..3, 1_000i32..1_080), 0..60),
    ) {
        let mut parts = vec![SeenDays::default(); 3];
        let mut all = SeenDays::default();
        for (part, day) in days {
            parts[part].see(Day::from_number(day)).unwrap();
            all.see(Day::from_number(day)).unwrap();
        }
        let mut union = SeenDays::default();
        for part in parts.iter().chain(&parts) {
            union.join(part);
        }
        prop_assert_eq!(union, all);
    }

    #[test]
    fn packed_days_read_back(days in prop::collection::vec(1_000i32..3_000, 0..60), older in 0i32..9) {
        let mut seen = SeenDays::default();
        for day in days {
            seen.see(Day::from_number(day)).unwrap();
        }
        seen.first -= if seen.is_empty() { 0 } else { older };
        prop_assert_eq!(back(&seen), Some(seen));
    }

    #[test]
    fn the_form_with_bits_is_still_read(days in prop::collection::btree_set(1_000i32..1_128, 1..40), older in 0i32..9) {
        let newest = *days.last().unwrap();
        let first = days.first().unwrap() - older;
        let bits = days.iter().fold(0u128, |bits, day| bits | 1 << (newest - day));
        let read = SeenDays::try_from(format!("{first}.{newest}.{bits:x}"));
        prop_assert_eq!(read, Ok(SeenDays { first, days: days.into_iter().collect() }));
    }
}

/// What a set adds to the counters.
fn added_by(seen: &SeenDays) -> Counters {
    let mut counters = Counters::default();
    seen.contributions().for_each(|change| counters.add(change));
    counters
}

#[test]
fn the_oldest_of_too_many_days_becomes_final() {
    let mut seen = SeenDays::default();
    let newest = 1_000 + i32::try_from(DAYS_MAX).unwrap();
    for day in 1_000..newest {
        assert_eq!(seen.see(Day::from_number(day)).unwrap().len(), if day == 1_000 { 3 } else { 2 });
    }
    let changes = seen.see(Day::from_number(newest)).unwrap();
    let expected = [GapChange::Seen(Day::from_number(newest), 1), GapChange::Gap(Day::from_number(newest), 1, 1)];
    assert_eq!(changes, expected, "nothing is taken back");
    assert_eq!((seen.days.len(), seen.first, seen.days[0]), (DAYS_MAX, 1_000, 1_001));
    let before = seen.clone();
    assert_eq!(seen.see(Day::from_number(1_000)), Err(TooOld), "what was forgotten is not counted again");
    assert_eq!(seen, before);
    assert_eq!(back(&seen), Some(seen));
}

/// Packed and unpacked again; nothing is left over.
fn back(seen: &SeenDays) -> Option<SeenDays> {
    let mut bytes = Vec::new();
    seen.pack(&mut bytes);
    let mut rest = bytes.as_slice();
    SeenDays::unpack(&mut rest).filter(|_| rest.is_empty())
}

#[test]
fn packed_days_are_short_and_broken_ones_are_rejected() {
    let mut seen = SeenDays::default();
    for day in [20_700, 20_701, 20_704, 20_730, 20_757] {
        seen.see(Day::from_number(day)).unwrap();
    }
    let mut bytes = Vec::new();
    seen.pack(&mut bytes);
    assert_eq!(bytes, [5, 0xb8, 0xc3, 2, 0, 1, 3, 26, 27]);
    for broken in [&bytes[..8], &[5, 0xb8, 0xc3, 2, 0, 1, 3, 0, 27], &[1], &[]] {
        assert_eq!(SeenDays::unpack(&mut &*broken), None, "{broken:?}");
    }
    assert_eq!(SeenDays::try_from("20700acz+27".to_owned()), Ok(seen), "the text of layout 2");
}

#[test]
fn broken_text_is_rejected() {
    for text in ["1.2", "a.b.c", "1.2.", "1.2.xyz", "1.2.2", "x", "1A", "1+", "1+0", "1+-1", "1:", ":1", "1:x", "1日"]
    {
        assert!(SeenDays::try_from(text.to_owned()).is_err(), "{text}");
    }
}
