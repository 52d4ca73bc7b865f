//! What members expect of a customer: when a deal closes (预计成交日期), and of which amount.

use serde::{Deserialize, Serialize};

use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::MemberId;
use crate::kernel::money::Fen;
use crate::kernel::timestamp::Timestamp;

/// Largest expected amount: a billion yuan.
const FEN_MAX: i64 = 100_000_000_000;
/// How far ahead a deal can be expected, in days: ten years.
const DAYS_AHEAD_MAX: i32 = 3_653;

/// A value and who set it last; `None` when they cleared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamped<T> {
    /// When.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member.
    #[serde(rename = "b")]
    pub by: MemberId,
    /// The value.
    #[serde(rename = "v")]
    pub value: Option<T>,
}

/// What was set of an identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The day on which a deal is expected.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Stamped<Day>>,
    /// Its amount.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Stamped<Fen>>,
}

/// What to set; what is absent stays, and `Some(None)` is cleared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectationUpdate {
    /// The day.
    pub day: Option<Option<Day>>,
    /// The amount.
    pub amount: Option<Option<Fen>>,
}

impl ExpectationUpdate {
    /// The update, if its values can be.
    ///
    /// # Errors
    /// `out_of_range` at `/expected_on` for a day that is past or more than ten years ahead, at
    /// `/amount_fen` for an amount that is not positive or above a billion yuan.
    pub fn check(self, now: Timestamp) -> Result<Self, FieldError> {
        let today = Day::of(now);
        let days = today..=today.plus(DAYS_AHEAD_MAX);
        if self.day.flatten().is_some_and(|day| !days.contains(&day)) {
            return Err(FieldError::new("out_of_range", "预计成交日期应为今天或以后十年以内").at("/expected_on"));
        }
        if self.amount.flatten().is_some_and(|fen| !(1..=FEN_MAX).contains(&fen.0)) {
            return Err(FieldError::new("out_of_range", "预计成交金额应大于零且不超过十亿元").at("/amount_fen"));
        }
        Ok(self)
    }
}

impl Expectation {
    /// Whether nothing was ever set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was set of several identities that are one person: of each the value set last.
    #[must_use]
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let later =
            |union: Self, part: &Self| Self { day: union.day.max(part.day), amount: union.amount.max(part.amount) };
        parts.into_iter().fold(Self::default(), later)
    }

    /// After an update that `by` makes now; the same when nothing changes. What is set is later than all
    /// before, whatever the clocks show.
    #[must_use]
    pub fn after(self, update: ExpectationUpdate, by: MemberId, now: Timestamp) -> Self {
        Self { day: stamped(self.day, update.day, by, now), amount: stamped(self.amount, update.amount, by, now) }
    }
}

fn stamped<T: Copy + PartialEq>(
    before: Option<Stamped<T>>,
    update: Option<Option<T>>,
    by: MemberId,
    now: Timestamp,
) -> Option<Stamped<T>> {
    match update {
        Some(value) if value != before.and_then(|before| before.value) => {
            let at = before.map_or(now, |before| now.max(before.at.plus_millis(1)));
            Some(Stamped { at, by, value })
        }
        _ => before,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-26T12:00:00+08:00").unwrap()
    }

    fn by() -> MemberId {
        MemberId::from_uuid(Uuid::nil())
    }

    #[test]
    fn values_have_bounds() {
        let today = Day::of(now());
        let day = |days| ExpectationUpdate { day: Some(Some(today.plus(days))), amount: None };
        let fen = |fen| ExpectationUpdate { day: None, amount: Some(Some(Fen(fen))) };
        for (update, allowed) in [
            (day(-1), false),
            (day(0), true),
            (day(DAYS_AHEAD_MAX), true),
            (day(DAYS_AHEAD_MAX + 1), false),
            (fen(0), false),
            (fen(1), true),
            (fen(FEN_MAX), true),
            (fen(FEN_MAX + 1), false),
            (ExpectationUpdate { day: Some(None), amount: Some(None) }, true),
        ] {
            assert_eq!(update.check(now()).is_ok(), allowed, "{update:?}");
        }
    }

    proptest! {
        #[test]
        fn the_last_update_is_in_force(updates in prop::collection::vec((prop::option::of(prop::option::of(0_i64..3)), -5_i64..5), 1..20)) {
            let (mut expectation, mut amount) = (Expectation::default(), None);
            for (update, ms) in updates {
                let update = update.map(|fen| fen.map(Fen));
                amount = update.unwrap_or(amount);
                let before = expectation;
                expectation = expectation.after(ExpectationUpdate { day: None, amount: update }, by(), now().plus_millis(ms));
                prop_assert_eq!(expectation.amount.and_then(|set| set.value), amount);
                prop_assert_eq!(Expectation::union([&before, &expectation]), expectation);
            }
        }
    }
}
