//! Money in fen, with checked arithmetic.

use serde::{Deserialize, Serialize};

/// An amount in fen (1/100 yuan).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// The sum, or `None` when it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` when it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_added_can_be_taken_away(a: i64, b: i64) {
            if let Some(sum) = Fen(a).checked_add(Fen(b)) {
                prop_assert_eq!(sum.checked_sub(Fen(b)), Some(Fen(a)));
            }
        }
    }

    #[test]
    fn an_overflow_is_none() {
        assert_eq!(Fen(i64::MAX).checked_add(Fen(1)), None);
        assert_eq!(Fen(i64::MIN).checked_sub(Fen(1)), None);
    }
}
