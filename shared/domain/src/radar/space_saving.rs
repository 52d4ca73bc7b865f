//! Counts by key in bounded room: exact while all keys fit, and within a known error beyond.
//!
//! A cut keeps the keys with the greatest remainder, takes the greatest dropped remainder off all
//! that are kept, and adds it to `missed` (Misra and Gries 1982; that it also holds for summaries
//! that are added up: Agarwal et al., Mergeable Summaries, 2012). So the true count of a key is at
//! most its remainder and `missed`, or `missed` alone when it is not there. What was counted while
//! it was there is remembered beside it: it is at least that often. Each cut takes as much off every
//! key of those kept and dropped, so of `n` counts in room for `k` keys `missed` is at most
//! `n / (k + 1)`. ADR 0027 has the proof.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::kernel::pack::Pack;

/// Counts by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpaceSaving {
    counts: BTreeMap<Uuid, Tracked>,
    missed: u64,
}

/// What is remembered of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tracked {
    /// What was counted since it is there.
    counted: u64,
    /// What is left of its greatest possible count after all cuts.
    remainder: u64,
}

/// How often a key was counted: both are the same while the count is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least so often.
    pub at_least: u64,
    /// At most so often.
    pub at_most: u64,
}

impl SpaceSaving {
    /// Counts a key.
    pub fn add(&mut self, key: Uuid, by: u64) {
        let tracked = self.counts.entry(key).or_default();
        tracked.counted += by;
        tracked.remainder += by;
    }

    /// Adds the counts of another part, of another day say.
    pub fn add_all(&mut self, other: &Self) {
        for (key, theirs) in &other.counts {
            let mine = self.counts.entry(*key).or_default();
            mine.counted += theirs.counted;
            mine.remainder += theirs.remainder;
        }
        self.missed += other.missed;
    }

    /// Keeps at most so many keys, those that may have the greatest counts; of equal ones the smaller.
    pub fn cut(&mut self, most: usize) {
        if self.counts.len() <= most {
            return;
        }
        let mut all: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
        all.sort_by_key(|(key, tracked)| (std::cmp::Reverse(tracked.remainder), *key));
        let dropped = all.split_off(most).first().map_or(0, |(_, greatest)| greatest.remainder);
        self.missed += dropped;
        for (_, tracked) in &mut all {
            tracked.remainder -= dropped;
        }
        self.counts = all.into_iter().collect();
    }

    /// The keys with the greatest counts first, at most so many; of equal ones the smaller.
    pub fn top(&self, most: usize) -> Vec<(Uuid, Bounds)> {
        let mut all: Vec<_> = self.counts.iter().map(|(key, tracked)| (*key, self.bounds_of(*tracked))).collect();
        all.sort_by_key(|(key, bounds)| (std::cmp::Reverse((bounds.at_least, bounds.at_most)), *key));
        all.truncate(most);
        all
    }

    /// How often a key was counted.
    pub fn bounds(&self, key: Uuid) -> Bounds {
        self.bounds_of(self.counts.get(&key).copied().unwrap_or_default())
    }

    fn bounds_of(&self, tracked: Tracked) -> Bounds {
        Bounds { at_least: tracked.counted, at_most: tracked.remainder + self.missed }
    }

    /// How often a key that is not there was counted at most; 0 while all counts are exact.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: Uuid) -> Option<Bounds> {
        let tracked = self.counts.remove(&key)?;
        Some(self.bounds_of(tracked))
    }

    /// Puts in a key that was never counted here, as it was counted elsewhere.
    pub fn insert(&mut self, key: Uuid, Bounds { at_least, at_most }: Bounds) {
        let tracked = self.counts.entry(key).or_default();
        tracked.counted += at_least;
        tracked.remainder += at_most;
    }

    /// The keys that are there, the smallest first.
    pub fn keys(&self) -> impl Iterator<Item = Uuid> {
        self.counts.keys().copied()
    }

    /// Whether a key is there.
    pub fn has(&self, key: Uuid) -> bool {
        self.counts.contains_key(&key)
    }

    /// How many keys are there.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.missed == 0
    }

    /// All counts together, as far as they are known.
    pub fn sum(&self) -> u64 {
        self.counts.values().map(|tracked| tracked.counted).sum()
    }
}

/// What was missed, how many keys there are, and each with its count; with its remainder too when
/// something was missed: before that the two are the same.
impl Pack for SpaceSaving {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.missed.pack(bytes);
        self.counts.len().pack(bytes);
        for (key, tracked) in &self.counts {
            bytes.extend_from_slice(key.as_bytes());
            tracked.counted.pack(bytes);
            if self.missed > 0 {
                tracked.remainder.pack(bytes);
            }
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let missed = u64::unpack(bytes)?;
        let mut counts = BTreeMap::new();
        for _ in 0..usize::unpack(bytes)? {
            let (key, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            let counted = u64::unpack(bytes)?;
            let remainder = if missed > 0 { u64::unpack(bytes)? } else { counted };
            counts.insert(Uuid::from_bytes(*key), Tracked { counted, remainder });
        }
        Some(Self { counts, missed })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> Uuid {
        Uuid::from_u128(u128::from(n))
    }

    fn exact(adds: &[(u8, u8)]) -> BTreeMap<u8, u64> {
        let mut exact = BTreeMap::new();
        for (n, by) in adds {
            *exact.entry(*n).or_default() += u64::from(*by);
        }
        exact
    }

    /// A day: batches, after each of which it is cut.
    type DayOfBatches = Vec<Vec<(u8, u8)>>;

    fn days() -> impl Strategy<Value = Vec<DayOfBatches>> {
        let batch = prop::collection::vec((0u8..40, 1u8..5), 0..30);
        prop::collection::vec(prop::collection::vec(batch, 0..6), 1..4)
    }

    proptest! {
        /// Days are stored and added up; every count is between its bounds, and they are as close as
        /// promised. With room for all keys they are exact.
        #[test]
        fn true_counts_are_within_the_bounds(days in days(), most in 1usize..50) {
            let mut sum = SpaceSaving::default();
            for day in &days {
                let mut stored = SpaceSaving::default();
                for batch in day {
                    for (n, by) in batch {
                        stored.add(key(*n), u64::from(*by));
                    }
                    stored.cut(most);
                    let mut bytes = Vec::new();
                    stored.pack(&mut bytes);
                    let mut rest = bytes.as_slice();
                    prop_assert_eq!(SpaceSaving::unpack(&mut rest).filter(|_| rest.is_empty()), Some(stored.clone()));
                    prop_assert!(stored.len() <= most);
                }
                sum.add_all(&stored);
            }
            let all: Vec<_> = days.concat().concat();
            let (exact, whole) = (exact(&all), all.iter().map(|(_, by)| u64::from(*by)).sum::<u64>());
            for n in 0..40 {
                let (count, bounds) = (exact.get(&n).copied().unwrap_or_default(), sum.bounds(key(n)));
                prop_assert!(bounds.at_least <= count && count <= bounds.at_most, "{count} {bounds:?}");
                prop_assert!(bounds.at_most - bounds.at_least <= sum.missed());
                if most >= 40 {
                    prop_assert_eq!(bounds, Bounds { at_least: count, at_most: count });
                }
            }
            prop_assert!(sum.missed() * (most as u64 + 1) <= whole, "{} of {whole}", sum.missed());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = SpaceSaving::unpack(&mut bytes.as_slice());
        }
    }

    #[test]
    fn the_greatest_stand_first_and_of_equal_ones_the_smaller_key() {
        let mut counts = SpaceSaving::default();
        [(3, 2), (1, 2), (2, 5)].into_iter().for_each(|(n, by)| counts.add(key(n), by));
        let order = |most| counts.top(most).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(order(9), [key(2), key(1), key(3)]);
        assert_eq!(order(2), [key(2), key(1)]);
    }

    #[test]
    fn a_key_that_is_counted_often_stays_exact_beyond_the_bound() {
        let mut counts = SpaceSaving::default();
        counts.add(key(1), 90);
        for round in 2..200 {
            counts.add(key(round), 1);
            counts.cut(5);
        }
        assert_eq!(counts.bounds(key(1)), Bounds { at_least: 90, at_most: 90 });
        assert!(counts.missed() > 0);
    }
}
