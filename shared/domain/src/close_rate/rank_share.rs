//! Where a customer stands among the customers of a scope: what can be said of a rate whose calibration
//! is not known.
//!
//! A shortlist has everybody, or at least the best of each band. Of the others the weekly retraining
//! leaves a [`RankSpread`]: rank keys at every twentieth of the customers. Time does not change their order,
//! only what customers do.

use std::collections::BTreeSet;

use crate::close_rate::model::Rate;
use crate::close_rate::shortlist::{RankKey, Shortlist};
use crate::kernel::day::Day;
use crate::kernel::id::PersonId;
use crate::kernel::pack::Pack;

/// Into how many parts a spread divides the customers.
const PARTS: usize = 20;

/// How many customers without a deal stand above a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankShare {
    /// Those with a higher rate.
    pub above: u64,
    /// All of them.
    pub customers: u64,
}

/// The customers of a scope as they were at the last retraining.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RankSpread {
    customers: usize,
    /// The keys at the ends of the parts, the highest first.
    marks: Vec<RankKey>,
}

impl RankShare {
    /// "Among the first … of a hundred hundred": the place in basis points, rounded up; 10,000 is the last.
    pub fn first_basis_points(self) -> u16 {
        let Self { above, customers } = self;
        let place = (above + 1).saturating_mul(10_000).div_ceil(customers.max(1));
        u16::try_from(place.min(10_000)).unwrap_or(10_000)
    }

    /// The same in whole percent, rounded up.
    pub fn first_percent(self) -> u16 {
        self.first_basis_points().div_ceil(100)
    }
}

impl RankSpread {
    /// The spread of the customers with these keys in a list's model.
    pub fn of(list: &Shortlist, keys: Vec<RankKey>, today: Day) -> Self {
        let mut placed: Vec<_> = keys.into_iter().map(|key| (place(list, key, today), key)).collect();
        placed.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        let mark = |part: usize| placed.get((part * placed.len()).div_ceil(PARTS).saturating_sub(1));
        let marks =
            if placed.len() < PARTS { Vec::new() } else { (1..PARTS).filter_map(mark).map(|(_, key)| *key).collect() };
        Self { customers: placed.len(), marks }
    }

    /// How many had a higher rate, by the marks that do.
    fn above(&self, list: &Shortlist, key: RankKey, today: Day) -> usize {
        let own = place(list, key, today);
        self.marks.iter().filter(|mark| place(list, **mark, today) > own).count() * self.customers / PARTS
    }
}

/// How a list sorts: by rate, then by what does not change.
fn place(list: &Shortlist, key: RankKey, today: Day) -> (Rate, i64) {
    (key.rate(list.model(), today), key.number())
}

impl Shortlist {
    /// Where the person with these identities and this rank key stands; `None` if that is not known, as
    /// long as a list that was cut has no spread.
    pub fn rank_share(
        &self,
        spread: &RankSpread,
        (identities, key): (&BTreeSet<PersonId>, RankKey),
        today: Day,
    ) -> Option<RankShare> {
        let own = place(self, key, today);
        let others = || self.iter().filter(|(person, _)| !identities.contains(person));
        let listed_above = others().filter(|(_, other)| place(self, *other, today) > own).count();
        let everybody = (others().count() + 1).max(spread.customers);
        let is_listed = identities.iter().any(|identity| self.holds(*identity));
        let above = match (is_listed || !self.is_cut(today), spread.customers) {
            (true, 0) if self.is_cut(today) => return None,
            (true, _) => listed_above,
            (false, 0) => return None,
            (false, _) => listed_above.max(spread.above(self, key, today)),
        };
        Some(RankShare { above: above as u64, customers: everybody as u64 })
    }
}

impl Pack for RankSpread {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.customers.pack(bytes);
        self.marks.iter().for_each(|mark| mark.number().cast_unsigned().pack(bytes));
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let customers = usize::unpack(bytes)?;
        let mut marks = Vec::new();
        while !bytes.is_empty() {
            marks.push(RankKey::from_number(u64::unpack(bytes)?.try_into().ok()?)?);
        }
        Some(Self { customers, marks })
    }
}

#[cfg(test)]
#[path = "rank_share_tests.rs"]
mod tests;
