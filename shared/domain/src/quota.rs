//! The quota primitive: something of which there is a limited number.
//!
//! A unit is available, reserved or used. `available + reserved + used` is the limit,
//! always; reservations are items of their own, expire, and add up to `reserved`. The
//! store makes each move in the transaction of the business write it belongs to, under
//! the condition that the move is possible; [`Quota::after`] is the same rule as a pure
//! function, and what the audit compares with.

use serde::{Deserialize, Serialize};

/// How many units are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Free to be reserved or taken.
    pub available: i64,
    /// Held by reservations that have neither been confirmed nor released.
    pub reserved: i64,
    /// In use.
    pub used: i64,
}

/// A move of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Available units become reserved.
    Reserve(i64),
    /// Reserved units become used.
    Confirm(i64),
    /// Reserved units become available again.
    Release(i64),
    /// Available units become used at once.
    Take(i64),
    /// Used units become available again.
    GiveBack(i64),
    /// The limit goes up or, as far as units are available, down.
    Resize(i64),
}

/// The move is not possible: there are not enough units where they should come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("quota exhausted")]
pub struct Exhausted;

/// What a move adds to each number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// To `available`.
    pub available: i64,
    /// To `reserved`.
    pub reserved: i64,
    /// To `used`.
    pub used: i64,
}

impl Move {
    /// What it adds to each number.
    pub fn change(self) -> Change {
        let none = Change::default();
        match self {
            Self::Reserve(n) => Change { available: -n, reserved: n, ..none },
            Self::Confirm(n) => Change { reserved: -n, used: n, ..none },
            Self::Release(n) => Change { reserved: -n, available: n, ..none },
            Self::Take(n) => Change { available: -n, used: n, ..none },
            Self::GiveBack(n) => Change { used: -n, available: n, ..none },
            Self::Resize(by) => Change { available: by, ..none },
        }
    }
}

impl Quota {
    /// A quota of which nothing is reserved or used.
    pub fn of(limit: u32) -> Self {
        Self { available: i64::from(limit), ..Self::default() }
    }

    /// How many units there are.
    pub fn limit(self) -> i64 {
        self.available + self.reserved + self.used
    }

    /// The quota after a move.
    ///
    /// # Errors
    /// [`Exhausted`] when a number would fall below zero.
    pub fn after(self, step: Move) -> Result<Self, Exhausted> {
        let change = step.change();
        let quota = Self {
            available: self.available + change.available,
            reserved: self.reserved + change.reserved,
            used: self.used + change.used,
        };
        let possible = quota.available >= 0 && quota.reserved >= 0 && quota.used >= 0;
        if possible { Ok(quota) } else { Err(Exhausted) }
    }

    /// Whether the units that are held and in use, counted one by one, are what the
    /// quota says.
    pub fn agrees_with(self, reservations: i64, in_use: i64) -> bool {
        self.reserved == reservations && self.used == in_use && self.available >= 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step() -> impl Strategy<Value = Move> {
        (0..6, 1i64..5).prop_map(|(kind, n)| match kind {
            0 => Move::Reserve(n),
            1 => Move::Confirm(n),
            2 => Move::Release(n),
            3 => Move::Take(n),
            4 => Move::GiveBack(n),
            _ => Move::Resize(n - 2),
        })
    }

    proptest! {
        #[test]
        fn nothing_is_ever_oversold_and_units_only_move(limit in 0u32..20, steps in prop::collection::vec(step(), 0..60)) {
            let mut quota = Quota::of(limit);
            let mut expected = i64::from(limit);
            for step in steps {
                let Ok(after) = quota.after(step) else { continue };
                if let Move::Resize(by) = step {
                    expected += by;
                }
                prop_assert!(after.available >= 0 && after.reserved >= 0 && after.used >= 0);
                prop_assert_eq!(after.limit(), expected);
                quota = after;
            }
        }
    }

    #[test]
    fn the_last_unit_is_given_once() {
        let quota = Quota::of(1).after(Move::Reserve(1)).unwrap();
        assert_eq!(quota.after(Move::Reserve(1)), Err(Exhausted));
        assert_eq!(quota.after(Move::Take(1)), Err(Exhausted));
        let used = quota.after(Move::Confirm(1)).unwrap();
        assert!(used.agrees_with(0, 1));
        assert_eq!(used.after(Move::Resize(-1)), Err(Exhausted), "a unit in use cannot be taken away");
    }
}
