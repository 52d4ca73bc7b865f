//! 24 bits for each of a person's recent days: what evidence and visited hours are kept in.
//!
//! Days too far before the newest are forgotten. Whether a day is forgotten depends
//! on the newest day alone, so days may come late and in any order.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use crate::kernel::day::Day;
use crate::kernel::pack::Pack;

/// The bits of a day; only the lowest [`BITS`] are kept.
pub(crate) type Bits = u32;

/// How many bits each day has.
pub(crate) const BITS: usize = 24;

/// Days that have bits, the newest first; at most `REMEMBERED` days, the newest included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RecentDays<const REMEMBERED: u16>(Vec<(u16, Bits)>);

impl<const REMEMBERED: u16> RecentDays<REMEMBERED> {
    /// Whether no day has bits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces the bits of a day (0 when it has none); nothing happens for a forgotten day.
    pub(crate) fn change(&mut self, day: Day, with: impl FnOnce(Bits) -> Bits) {
        // Readable times end in 2100, which is day 47,482.
        let Ok(day) = u16::try_from(day.number()) else { return };
        if self.0.first().is_some_and(|(newest, _)| newest.saturating_sub(day) >= REMEMBERED) {
            return;
        }
        let place = self.0.iter().position(|(at, _)| *at <= day).unwrap_or(self.0.len());
        match self.0.get_mut(place).filter(|(at, _)| *at == day) {
            Some((_, bits)) => *bits = with(*bits),
            None => self.0.insert(place, (day, with(0))),
        }
        if place == 0 {
            self.0.retain(|(at, _)| day - *at < REMEMBERED);
        }
    }

    /// Adds the days of another; where both have one, by `merge`.
    pub(crate) fn add_all(&mut self, other: &Self, merge: impl Fn(Bits, Bits) -> Bits) {
        for (day, bits) in other.iter() {
            self.change(day, |mine| merge(mine, bits));
        }
    }

    /// Days and their bits, the newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Day, Bits)> {
        self.0.iter().map(|(day, bits)| (Day::from_number(i32::from(*day)), *bits))
    }
}

/// How many bytes follow, then the newest day (two bytes) and its bits (three), and for
/// each older day the distance to the one before (one byte) and its bits.
impl<const REMEMBERED: u16> Pack for RecentDays<REMEMBERED> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let length = if self.is_empty() { 0 } else { self.0.len() * 4 + 1 };
        (length as u64).pack(bytes);
        let mut newer = None;
        for (day, bits) in &self.0 {
            let [high, low] = newer.map_or(*day, |newer: u16| newer - day).to_be_bytes();
            // A distance is less than REMEMBERED, which fits one byte.
            bytes.extend(newer.is_none().then_some(high));
            bytes.push(low);
            bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
            newer = Some(*day);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::unpack(bytes)?).ok()?;
        Self::of_bytes(bytes.split_off(..length)?).ok()
    }
}

/// The bytes as base64, as customers were stored until their layout 2.
impl<const REMEMBERED: u16> TryFrom<String> for RecentDays<REMEMBERED> {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| "recent days are not base64")?;
        Self::of_bytes(&bytes)
    }
}

impl<const REMEMBERED: u16> RecentDays<REMEMBERED> {
    fn of_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        let Some((high, rest)) = bytes.split_first() else { return Ok(Self::default()) };
        let mut days = Vec::with_capacity(rest.len() / 4);
        let mut day = 0;
        for (position, entry) in rest.chunks(4).enumerate() {
            let [first, a, b, c] = *entry else { return Err("recent days are cut off") };
            day = match position {
                0 => u16::from_be_bytes([*high, first]),
                _ => u16::checked_sub(day, u16::from(first)).ok_or("recent days are before 1970")?,
            };
            days.push((day, u32::from_be_bytes([0, a, b, c])));
        }
        let falling = days.windows(2).all(|pair| matches!(pair, [(newer, _), (older, _)] if newer > older));
        let near = days.first().zip(days.last()).is_some_and(|((newest, _), (oldest, _))| newest - oldest < REMEMBERED);
        if falling && near { Ok(Self(days)) } else { Err("recent days are out of order") }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type EightWeeks = RecentDays<56>;

    fn of(marks: &[(i32, u8)]) -> EightWeeks {
        let mut days = EightWeeks::default();
        for (day, bit) in marks {
            days.change(Day::from_number(*day), |bits| bits | 1 << bit);
        }
        days
    }

    proptest! {
        #[test]
        fn the_order_of_the_days_does_not_matter_and_far_ones_are_forgotten(
            marks in prop::collection::vec((20_000i32..20_150, 0u8..24), 0..60),
        ) {
            let mut reversed = marks.clone();
            reversed.reverse();
            let days = of(&marks);
            prop_assert_eq!(&days, &of(&reversed));
            let newest = marks.iter().map(|(day, _)| *day).max().unwrap_or(0);
            let kept: std::collections::BTreeSet<_> = marks.iter().map(|(day, _)| *day).filter(|day| newest - day < 56).collect();
            prop_assert!(days.iter().map(|(day, _)| day.number()).eq(kept.into_iter().rev()));
        }

        #[test]
        fn packed_days_read_back(marks in prop::collection::vec((18_262i32..47_482, 0u8..24), 0..60)) {
            let days = of(&marks);
            let bytes = packed(&days);
            prop_assert_eq!(EightWeeks::unpack(&mut bytes.as_slice()), Some(days.clone()));
            let mut without_length = bytes.as_slice();
            u64::unpack(&mut without_length);
            prop_assert_eq!(EightWeeks::try_from(BASE64URL_NOPAD.encode(without_length)), Ok(days));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_-]{0,40}") {
            if let Ok(days) = EightWeeks::try_from(text.clone()) {
                prop_assert_eq!(EightWeeks::unpack(&mut packed(&days).as_slice()), Some(days));
            }
        }
    }

    fn packed(days: &EightWeeks) -> Vec<u8> {
        let mut bytes = Vec::new();
        days.pack(&mut bytes);
        bytes
    }

    #[test]
    fn one_day_takes_six_bytes_and_each_further_one_four() {
        assert_eq!(packed(&of(&[])).len(), 1);
        assert_eq!(packed(&of(&[(20_000, 0)])).len(), 6);
        assert_eq!(packed(&of(&[(20_000, 0), (20_001, 1), (20_005, 2), (20_009, 3)])).len(), 18);
    }
}
