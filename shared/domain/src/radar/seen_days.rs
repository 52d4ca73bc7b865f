//! The days on which one person was seen, and what they add to the gap counters.
//!
//! Distinct people of any window come from two plain counters per day: `V[x]`, the people seen on
//! day x, and `G[x][g]`, the people seen on day x whose last seen day before it is x−g. A person
//! is counted on their first seen day of the window, so for a window of at most 400 days from day
//! s to day a the distinct people are `Σ_{x=s..a} ( V[x] − Σ_{g=1..x−s} G[x][g] )`. A person who
//! comes again changes the counters of today only, which are written anyway. Late days fall into
//! place: [`SeenDays::see`] returns which counters move.
//!
//! What a set of days adds is a function of the set alone ([`SeenDays::contributions`]), so that
//! two sets can be replaced by their union, and back.

use serde::Deserialize;

use crate::kernel::day::Day;
use crate::kernel::pack::Pack;
use crate::radar::long_gap;

/// How many seen days are remembered, the newest ones. What older ones have added to
/// the counters stays and does not move any more.
pub const DAYS_MAX: usize = 1_024;

/// A change of one gap counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapChange {
    /// `V[day]` changes by one: up for the first sight on that day.
    Seen(Day, i64),
    /// `G[day][gap]` changes by one.
    Gap(Day, u16, i64),
    /// The person's first day moves: up on the new one, down on the old.
    First(Day, i64),
    /// They have never been seen before.
    Lifetime,
}

/// An event lies further back than is remembered; see [`SeenDays::see`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOld;

/// The seen days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SeenDays {
    /// The first ever; older than all of `days` when some were forgotten.
    first: i32,
    /// Rising; empty when no day was seen.
    days: Vec<i32>,
}

impl SeenDays {
    /// Whether no day was seen.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The first day ever.
    pub fn first(&self) -> Option<Day> {
        (!self.is_empty()).then(|| Day::from_number(self.first))
    }

    /// Adds a day and returns what changes; nothing when it was seen already.
    ///
    /// # Errors
    /// [`TooOld`] for a day before all that are remembered when some were forgotten: its
    /// neighbours are not known. Ingest and queue retention keep events far younger.
    pub fn see(&mut self, day: Day) -> Result<Vec<GapChange>, TooOld> {
        let d = day.number();
        let Some(newest) = self.days.last() else {
            *self = Self { first: d, days: vec![d] };
            return Ok(vec![GapChange::Lifetime, GapChange::Seen(day, 1), GapChange::First(day, 1)]);
        };
        let place = match d.cmp(newest) {
            std::cmp::Ordering::Equal => return Ok(Vec::new()),
            std::cmp::Ordering::Greater => self.days.len(),
            std::cmp::Ordering::Less => match self.days.binary_search(&d) {
                Ok(_) => return Ok(Vec::new()),
                Err(place) => place,
            },
        };
        let previous = place.checked_sub(1).and_then(|place| self.days.get(place).copied());
        let next = self.days.get(place).copied();
        if previous.is_none() && next.is_some_and(|oldest| self.first < oldest) {
            return Err(TooOld);
        }
        let mut changes = vec![GapChange::Seen(day, 1)];
        changes.extend(previous.and_then(|p| gap(p, d, 1)));
        changes.extend(next.and_then(|n| gap(d, n, 1)));
        changes.extend(previous.zip(next).and_then(|(p, n)| gap(p, n, -1)));
        if d < self.first {
            changes.extend([GapChange::First(day, 1), GapChange::First(Day::from_number(self.first), -1)]);
            self.first = d;
        }
        self.days.insert(place, d);
        if self.days.len() > DAYS_MAX {
            self.days.remove(0);
        }
        Ok(changes)
    }

    /// What the remembered days add to the counters, all in all.
    pub fn contributions(&self) -> impl Iterator<Item = GapChange> {
        let seen = self.days.iter().map(|d| GapChange::Seen(Day::from_number(*d), 1));
        let gaps = self.days.iter().zip(self.days.iter().skip(1)).filter_map(|(d, next)| gap(*d, *next, 1));
        let once = self.days.first().map(|_| [GapChange::Lifetime, GapChange::First(Day::from_number(self.first), 1)]);
        seen.chain(gaps).chain(once.into_iter().flatten())
    }

    /// Adds the days of another set. A union is computed with and never stored, so that nothing
    /// of it is forgotten.
    pub fn join(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.first = if self.is_empty() { other.first } else { self.first.min(other.first) };
        self.days.extend_from_slice(&other.days);
        // Two sorted runs: the stable sort merges them.
        self.days.sort();
        self.days.dedup();
    }
}

fn gap(from: i32, to: i32, by: i64) -> Option<GapChange> {
    let gap = u16::try_from(to - from).ok().filter(|gap| *gap <= long_gap::LONGEST)?;
    Some(GapChange::Gap(Day::from_number(to), gap, by))
}

/// How many there are, the oldest, how much older the first is, and the gaps to the next ones.
impl Pack for SeenDays {
    fn pack(&self, bytes: &mut Vec<u8>) {
        (self.days.len() as u64).pack(bytes);
        let Some(oldest) = self.days.first() else { return };
        i64::from(*oldest).pack(bytes);
        (i64::from(*oldest) - i64::from(self.first)).pack(bytes);
        for (day, next) in self.days.iter().zip(self.days.iter().skip(1)) {
            u64::from(next.abs_diff(*day)).pack(bytes);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let count = u64::unpack(bytes)?;
        if count == 0 {
            return Some(Self::default());
        }
        let oldest = i64::unpack(bytes)?;
        let first = i32::try_from(oldest.checked_sub(i64::unpack(bytes)?)?).ok()?;
        let mut newest = i32::try_from(oldest).ok()?;
        let mut days = vec![newest];
        for _ in 1..count {
            let gap = u32::try_from(u64::unpack(bytes)?).ok().filter(|gap| *gap > 0)?;
            newest = newest.checked_add_unsigned(gap)?;
            days.push(newest);
        }
        Some(Self { first, days })
    }
}

/// As customers were stored until their layout 2: the oldest day and the gaps to the next
/// ones, a letter for 1 to 26 days, `+` and the number for more. Before it `first:`, when
/// that is another day.
impl TryFrom<String> for SeenDays {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.contains('.') {
            return from_bits(&text).ok_or("seen days need first, newest and bits");
        }
        let (first, rest) = match text.split_once(':') {
            Some((first, rest)) => (Some(first), rest),
            None => (None, text.as_str()),
        };
        let days = from_gaps(rest).ok_or("seen days need a day and gaps")?;
        let first = match (first, days.first()) {
            (Some(first), _) => first.parse().map_err(|_| "the first seen day is a number")?,
            (None, oldest) => oldest.copied().unwrap_or_default(),
        };
        Ok(Self { first, days })
    }
}

fn from_gaps(text: &str) -> Option<Vec<i32>> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (oldest, mut gaps) = text.split_at(end);
    let mut newest: i32 = oldest.parse().ok()?;
    let mut days = Vec::with_capacity(gaps.len() + 1);
    days.push(newest);
    while let Some(head) = gaps.chars().next() {
        gaps = &gaps[head.len_utf8()..];
        let gap = match head {
            'a'..='z' => i32::try_from(u32::from(head) - u32::from('a')).ok()? + 1,
            '+' => {
                let end = gaps.find(|c: char| !c.is_ascii_digit()).unwrap_or(gaps.len());
                let (number, rest) = gaps.split_at(end);
                gaps = rest;
                number.parse().ok().filter(|gap| *gap > 0)?
            }
            _ => return None,
        };
        newest = newest.checked_add(gap)?;
        days.push(newest);
    }
    Some(days)
}

/// The form of layout 1: `first.newest.bits`, a hexadecimal bit for each of the 128 days
/// up to the newest (bit 0).
fn from_bits(text: &str) -> Option<SeenDays> {
    let mut parts = text.splitn(3, '.');
    let first = parts.next()?.parse().ok()?;
    let newest: i32 = parts.next()?.parse().ok()?;
    let bits = u128::from_str_radix(parts.next()?, 16).ok().filter(|bits| bits & 1 == 1)?;
    let days = (0..128).rev().filter(|back| bits >> back & 1 == 1).map(|back| newest - back).collect();
    Some(SeenDays { first, days })
}

#[cfg(test)]
#[path = "seen_days_tests.rs"]
mod tests;
