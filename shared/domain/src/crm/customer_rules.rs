//! A company's rules for its customers (客户规则): how many a member may take over from the pool, and
//! what is shown of those whom nobody owns.

use serde::{Deserialize, Serialize};

use crate::crm::command::CustomerError;
use crate::crm::recycling::RecycleRule;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;

/// Most customers whom a member may hold, whatever the company allows.
pub const HELD_MAX: u32 = 10_000;
/// Most claims of a member in a day, whatever the company allows.
pub const CLAIMS_MAX: u32 = 1_000;

/// The rules of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRules {
    /// The version that was read; 0 of rules that nobody has set.
    pub version: u64,
    /// How many customers a member may hold when they claim another one.
    pub held_max: u32,
    /// How many customers a member may claim in a day.
    pub claims_max: u32,
    /// Whether phone, email and address of a customer whom nobody owns are hidden from those who may
    /// claim them.
    pub contacts_hidden: bool,
    /// When customers go back to the pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recycle: Vec<RecycleRule>,
}

impl Default for CustomerRules {
    fn default() -> Self {
        Self { version: 0, held_max: 500, claims_max: 50, contacts_hidden: false, recycle: Vec::new() }
    }
}

impl CustomerRules {
    /// Whether a rule that is switched on takes customers from their owners.
    pub fn recycles(&self) -> bool {
        self.recycle.iter().any(|rule| rule.enabled_on.is_some())
    }

    /// The rules, if their numbers can be.
    ///
    /// # Errors
    /// `out_of_range` for the first wrong number.
    pub fn check(self) -> Result<Self, FieldError> {
        if !(1..=HELD_MAX).contains(&self.held_max) {
            return Err(FieldError::new("out_of_range", "持有上限应为 1 到 10000").at("/held_max"));
        }
        if !(1..=CLAIMS_MAX).contains(&self.claims_max) {
            return Err(FieldError::new("out_of_range", "每日领取上限应为 1 到 1000").at("/claims_max"));
        }
        Ok(self)
    }
}

/// How many customers a member holds by decisions, and has claimed lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The version that was read; 0 of one that is not stored yet.
    pub version: u64,
    /// The identities that they own by decision.
    #[serde(default)]
    pub held: u32,
    /// The day of the last claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// The claims of that day.
    #[serde(default)]
    pub claimed: u32,
}

impl Holding {
    /// The claims of a day.
    pub fn claimed_on(&self, today: Day) -> u32 {
        if self.day == Some(today) { self.claimed } else { 0 }
    }

    /// What they hold after one more claim, if they may claim one.
    ///
    /// # Errors
    /// [`CustomerError::LimitReached`].
    pub fn after_claim(self, rules: &CustomerRules, today: Day) -> Result<Self, CustomerError> {
        if self.held >= rules.held_max {
            return Err(CustomerError::LimitReached("您持有的客户已达上限，请先退回部分客户"));
        }
        if self.claimed_on(today) >= rules.claims_max {
            return Err(CustomerError::LimitReached("您今天领取的客户已达上限，请明天再领取"));
        }
        let claimed = self.claimed_on(today) + 1;
        Ok(Self { version: self.version + 1, held: self.held + 1, day: Some(today), claimed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_member_have_their_limits_and_the_next_day_begins_with_none() {
        let rules = CustomerRules { held_max: 3, claims_max: 2, ..CustomerRules::default() };
        let today = Day::from_number(20_000);
        let with = |held, day, claimed| Holding { version: 7, held, day: Some(day), claimed };
        let is_limited =
            |holding: Holding| matches!(holding.after_claim(&rules, today), Err(CustomerError::LimitReached(_)));
        assert!(!is_limited(Holding::default()));
        assert!(!is_limited(with(2, today, 1)));
        assert!(is_limited(with(3, today, 1)));
        assert!(is_limited(with(2, today, 2)));
        assert!(!is_limited(with(2, today.plus(-1), 2)), "of yesterday");
        let after = with(2, today.plus(-1), 2).after_claim(&rules, today);
        assert_eq!(after, Ok(Holding { version: 8, held: 3, day: Some(today), claimed: 1 }));
    }

    #[test]
    fn the_first_number_that_cannot_be_is_named() {
        let named = |held_max, claims_max| {
            let rules = CustomerRules { held_max, claims_max, ..CustomerRules::default() };
            rules.check().err().map(|error| error.pointer)
        };
        assert_eq!((named(1, 1), named(HELD_MAX, CLAIMS_MAX)), (None, None));
        assert_eq!((named(0, 1), named(1, 0)), (Some("/held_max"), Some("/claims_max")));
        assert_eq!((named(HELD_MAX + 1, 1), named(1, CLAIMS_MAX + 1)), (Some("/held_max"), Some("/claims_max")));
    }
}
