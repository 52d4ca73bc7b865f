//! The shortlist of a scope: its most likely customers, for the top ten and the funnel.
//!
//! Nobody's rate rises by itself. So whoever is among the best, or reaches the funnel's
//! second band, does so by what he does, and is entered then; nobody else needs a place.

use std::collections::{BTreeMap, BTreeSet};

use crate::close_rate::{Band, Model, Rank, Rate};
use crate::day::Day;
use crate::id::PersonId;

/// So many of the best are listed, whatever their rate.
pub const LISTED_MAX: usize = 100;
/// Most persons of a shortlist: above so many in the upper bands the funnel stops counting.
pub const KEPT_MAX: usize = 2_000;

/// Persons and their ranks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shortlist(BTreeMap<PersonId, Rank>);

/// What is known anew of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The identity he is listed under.
    pub person: PersonId,
    /// His other identities, which are not listed.
    pub others: BTreeSet<PersonId>,
    /// His rank; none without evidence.
    pub rank: Option<Rank>,
}

/// A customer in a list by rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prospect {
    /// Who.
    pub person: PersonId,
    /// His rate on the day that was asked for.
    pub rate: Rate,
}

/// How many customers are in each band of the funnel, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funnel {
    /// By [`Band::ALL`].
    pub customers: [i64; Band::ALL.len()],
}

impl Shortlist {
    /// Takes in who has done something.
    pub fn update(&mut self, standings: &[Standing]) {
        for Standing { person, others, rank } in standings {
            self.0.remove(person);
            for other in others {
                self.0.remove(other);
            }
            self.0.extend(rank.map(|rank| (*person, rank)));
        }
    }

    /// Lets go whoever has neither a place among the best nor in the upper bands.
    pub fn prune(&mut self, model: &Model, today: Day) {
        let ranked = self.ranked();
        let upper = ranked.partition_point(|(_, rank)| Band::of(model.rate_of(Some(*rank), today)) != Band::Below50);
        let kept = upper.clamp(LISTED_MAX, KEPT_MAX);
        self.0 = ranked.into_iter().take(kept).collect();
    }

    /// The most likely first, at most [`LISTED_MAX`]; of equal ones who came first.
    pub fn best(&self, model: &Model, today: Day) -> Vec<Prospect> {
        let prospect = |(person, rank)| Prospect { person, rate: model.rate_of(Some(rank), today) };
        self.ranked().into_iter().take(LISTED_MAX).map(prospect).collect()
    }

    /// Everybody by his band: who is not in the list is in the lowest.
    pub fn funnel(&self, model: &Model, today: Day, everybody: i64) -> Funnel {
        let mut customers = [0; Band::ALL.len()];
        for rank in self.0.values() {
            customers[Band::of(model.rate_of(Some(*rank), today)) as usize] += 1;
        }
        let upper: i64 = customers.iter().skip(1).sum();
        // The list is some minutes older than the number of all, never the other way round.
        customers[0] = (everybody - upper).max(0);
        Funnel { customers }
    }

    /// Persons and ranks, by person.
    pub fn iter(&self) -> impl Iterator<Item = (PersonId, Rank)> {
        self.0.iter().map(|(person, rank)| (*person, *rank))
    }

    fn ranked(&self) -> Vec<(PersonId, Rank)> {
        let mut ranked: Vec<_> = self.iter().collect();
        ranked.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
        ranked
    }
}

impl FromIterator<(PersonId, Rank)> for Shortlist {
    fn from_iter<I: IntoIterator<Item = (PersonId, Rank)>>(persons: I) -> Self {
        Self(persons.into_iter().collect())
    }
}

#[cfg(test)]
#[path = "shortlist_tests.rs"]
mod tests;
