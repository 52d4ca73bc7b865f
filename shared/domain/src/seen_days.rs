//! The days on which one person was seen, and what that changes in the gap counters.
//!
//! Distinct people of any window come from two plain counters per day: `V[x]`, the
//! people seen on day x, and `G[x][g]`, the people seen on day x whose next seen day
//! is x+g. A person is counted on his last seen day of the window, so for a window
//! of `w` ≤ 30 days that ends on day a
//! the distinct people are `Σ_{x=a-w+1..a} ( V[x] − Σ_{g=1..a−x} G[x][g] )`.
//! Late days fall into place: [`SeenDays::see`] says which counters move.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::day::Day;

/// Longest gap that is counted: windows are at most 30 days.
pub const GAP_MAX: u8 = 29;
/// How many days back from the newest are remembered, the newest included.
const REMEMBERED: i32 = 128;

/// A change of one gap counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// `V[day]` changes by one: up for the first sight on that day.
    Seen(Day, i64),
    /// `G[day][gap]` changes by one.
    Gap(Day, u8, i64),
    /// The person's first day moves: up on the new one, down on the old.
    First(Day, i64),
    /// He has never been seen before.
    Lifetime,
}

/// An event lies further back than is remembered; see [`SeenDays::see`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOld;

/// The seen days: the first ever, the newest, and a bit for each of the 128 days up
/// to the newest (bit 0 = newest).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SeenDays(Option<Seen>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    first: i32,
    newest: i32,
    bits: u128,
}

impl SeenDays {
    /// Whether no day was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a day and tells what changes; nothing when it was seen already.
    ///
    /// # Errors
    /// [`TooOld`] for a day 128 or more before the newest: its neighbours are not
    /// remembered any more. Ingest and queue retention keep events far younger.
    pub fn see(&mut self, day: Day) -> Result<Vec<Change>, TooOld> {
        let d = day.number();
        let Some(seen) = &mut self.0 else {
            self.0 = Some(Seen { first: d, newest: d, bits: 1 });
            return Ok(vec![Change::Lifetime, Change::Seen(day, 1), Change::First(day, 1)]);
        };
        if d <= seen.newest - REMEMBERED {
            return Err(TooOld);
        }
        if seen.has(d) {
            return Ok(Vec::new());
        }
        let (previous, next) = (seen.before(d), seen.after(d));
        seen.insert(d);
        let mut changes = vec![Change::Seen(day, 1)];
        changes.extend(previous.and_then(|p| gap(p, d, 1)));
        changes.extend(next.and_then(|n| gap(d, n, 1)));
        changes.extend(previous.zip(next).and_then(|(p, n)| gap(p, n, -1)));
        if d < seen.first {
            changes.extend([Change::First(day, 1), Change::First(Day::from_number(seen.first), -1)]);
            seen.first = d;
        }
        Ok(changes)
    }
}

fn gap(from: i32, to: i32, by: i64) -> Option<Change> {
    let gap = u8::try_from(to - from).ok().filter(|gap| *gap <= GAP_MAX)?;
    Some(Change::Gap(Day::from_number(from), gap, by))
}

impl Seen {
    fn has(&self, d: i32) -> bool {
        d <= self.newest && self.newest - d < REMEMBERED && self.bits >> (self.newest - d) & 1 == 1
    }

    /// The last seen day before `d`.
    fn before(&self, d: i32) -> Option<i32> {
        if d > self.newest {
            return Some(self.newest);
        }
        let older = self.bits.checked_shr(u32::try_from(self.newest - d + 1).ok()?)?;
        (older != 0).then(|| d - 1 - older.trailing_zeros().cast_signed())
    }

    /// The first seen day after `d`.
    fn after(&self, d: i32) -> Option<i32> {
        let back = u32::try_from(self.newest - d).ok().filter(|back| *back > 0)?;
        let newer = self.bits & (1_u128.checked_shl(back)? - 1);
        (newer != 0).then(|| self.newest - newer.ilog2().cast_signed())
    }

    fn insert(&mut self, d: i32) {
        if d > self.newest {
            let shift = u32::try_from(d - self.newest).unwrap_or(u32::MAX);
            self.bits = self.bits.checked_shl(shift).unwrap_or(0) | 1;
            self.newest = d;
        } else {
            self.bits |= 1 << (self.newest - d);
        }
    }
}

/// `first.newest.bits` with the bits in hexadecimal: short, since it is stored per
/// person and card.
impl From<SeenDays> for String {
    fn from(days: SeenDays) -> Self {
        let mut text = Self::new();
        if let Some(Seen { first, newest, bits }) = days.0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "{first}.{newest}.{bits:x}");
        }
        text
    }
}

impl TryFrom<String> for SeenDays {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let mut parts = text.splitn(3, '.');
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        let (first, newest) = number().zip(number()).ok_or("seen days need first and newest")?;
        let bits = parts.next().and_then(|hex| u128::from_str_radix(hex, 16).ok()).ok_or("seen days need bits")?;
        Ok(Self(Some(Seen { first, newest, bits })))
    }
}

#[cfg(test)]
#[path = "seen_days_tests.rs"]
mod tests;
