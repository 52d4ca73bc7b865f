//! The quota primitive: something of which there is a limited number.
//!
//! A unit is available, reserved or used. `available + reserved + used` is the limit,
//! always; reservations are items of their own, expire, and add up to `reserved`. The
//! store makes each move in the transaction of the business write it belongs to, under
//! the condition that the move is possible; [`Quota::after`] and [`Hold::without`] are the
//! same rule as pure functions, and what the audit compares with.

use serde::{Deserialize, Serialize};

use crate::kernel::timestamp::Timestamp;

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

/// Units that are held until they are confirmed, released, or the time is over. Several
/// may be held together and leave one by one; a hold of none has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// How many are still held.
    pub amount: i64,
    /// When the hold ends.
    #[serde(rename = "expires_ms", with = "crate::kernel::timestamp::as_millis")]
    pub expires_at: Timestamp,
}

impl Hold {
    /// The hold after `n` of its units have left it: confirmed, released, or passed on to another
    /// hold.
    ///
    /// # Errors
    /// [`Exhausted`] when it holds fewer.
    pub fn without(self, n: i64) -> Result<Self, Exhausted> {
        let amount = self.amount - n;
        if amount < 0 { Err(Exhausted) } else { Ok(Self { amount, ..self }) }
    }

    /// Whether its time is over.
    pub fn has_expired(self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
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

/// The move is not possible: there are too few units at its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("quota exhausted")]
pub struct Exhausted;

/// What a move adds to each number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaDelta {
    /// To `available`.
    pub available: i64,
    /// To `reserved`.
    pub reserved: i64,
    /// To `used`.
    pub used: i64,
}

impl Move {
    /// What it adds to each number.
    pub fn change(self) -> QuotaDelta {
        let none = QuotaDelta::default();
        match self {
            Self::Reserve(n) => QuotaDelta { available: -n, reserved: n, ..none },
            Self::Confirm(n) => QuotaDelta { reserved: -n, used: n, ..none },
            Self::Release(n) => QuotaDelta { reserved: -n, available: n, ..none },
            Self::Take(n) => QuotaDelta { available: -n, used: n, ..none },
            Self::GiveBack(n) => QuotaDelta { used: -n, available: n, ..none },
            Self::Resize(by) => QuotaDelta { available: by, ..none },
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
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A quota with its holds, moved as the store moves them: in one transaction or not at all.
    #[derive(Debug, Clone)]
    struct HeldQuota {
        quota: Quota,
        holds: BTreeMap<u8, Hold>,
    }

    /// What happens to the quota: a hold is named by a number.
    #[derive(Debug, Clone, Copy)]
    enum QuotaStep {
        Hold(u8, i64),
        Confirm(u8, i64),
        Release(u8, i64),
        PassOn(u8, u8, i64),
        Move(Move),
    }

    impl HeldQuota {
        fn after(&self, entry: QuotaStep) -> Result<Self, Exhausted> {
            let mut held_quota = self.clone();
            let hold = |amount| Hold { amount, expires_at: Timestamp::from_millis(0) };
            let held = |name: u8| self.holds.get(&name).copied().unwrap_or(hold(0));
            match entry {
                QuotaStep::Hold(name, n) => {
                    held_quota.quota = held_quota.quota.after(Move::Reserve(n))?;
                    held_quota.holds.insert(name, hold(held(name).amount + n));
                }
                QuotaStep::Confirm(name, n) => {
                    held_quota.holds.insert(name, held(name).without(n)?);
                    held_quota.quota = held_quota.quota.after(Move::Confirm(n))?;
                }
                QuotaStep::Release(name, n) => {
                    held_quota.holds.insert(name, held(name).without(n)?);
                    held_quota.quota = held_quota.quota.after(Move::Release(n))?;
                }
                QuotaStep::PassOn(from, to, n) if from != to => {
                    held_quota.holds.insert(from, held(from).without(n)?);
                    held_quota.holds.insert(to, hold(held(to).amount + n));
                }
                QuotaStep::PassOn(..) => return Err(Exhausted),
                QuotaStep::Move(step) => held_quota.quota = held_quota.quota.after(step)?,
            }
            Ok(held_quota)
        }
    }

    fn entry() -> impl Strategy<Value = QuotaStep> {
        (0..7, 0u8..4, 0u8..4, 1i64..6).prop_map(|(kind, a, b, n)| match kind {
            0 => QuotaStep::Hold(a, n),
            1 => QuotaStep::Confirm(a, n),
            2 => QuotaStep::Release(a, n),
            3 => QuotaStep::PassOn(a, b, n),
            4 => QuotaStep::Move(Move::Take(n)),
            5 => QuotaStep::Move(Move::GiveBack(n)),
            _ => QuotaStep::Move(Move::Resize(n - 2)),
        })
    }

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

        #[test]
        fn holds_add_up_to_what_is_reserved_after_any_sequence(limit in 0u32..30, entries in prop::collection::vec(entry(), 0..80)) {
            let mut held_quota = HeldQuota { quota: Quota::of(limit), holds: BTreeMap::new() };
            let mut expected = i64::from(limit);
            for entry in entries {
                let Ok(after) = held_quota.after(entry) else { continue };
                if let QuotaStep::Move(Move::Resize(by)) = entry {
                    expected += by;
                }
                let held: i64 = after.holds.values().map(|hold| hold.amount).sum();
                prop_assert_eq!(after.quota.reserved, held, "{:?} after {:?}", after, entry);
                prop_assert!(after.holds.values().all(|hold| hold.amount >= 0));
                prop_assert_eq!(after.quota.limit(), expected);
                held_quota = after;
            }
        }
    }

    #[test]
    fn the_last_unit_is_given_once() {
        let quota = Quota::of(1).after(Move::Reserve(1)).unwrap();
        assert_eq!(quota.after(Move::Reserve(1)), Err(Exhausted));
        assert_eq!(quota.after(Move::Take(1)), Err(Exhausted));
        let used = quota.after(Move::Confirm(1)).unwrap();
        assert_eq!(used, Quota { available: 0, reserved: 0, used: 1 });
        assert_eq!(used.after(Move::Resize(-1)), Err(Exhausted), "a unit in use cannot be taken away");
    }
}
