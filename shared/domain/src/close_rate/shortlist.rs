//! The shortlist of a scope: its most likely customers, for the top ten and the funnel.
//!
//! Ranks by evidence fade by one factor for all; rates set by hand stay. So within each of the
//! two kinds, time never changes the order: the best customers of both kinds together are among
//! the best of their own kind. A customer gets there, or into the upper bands, only by an action,
//! and is entered then. So the best of each kind and the upper bands are enough. A customer who
//! drops out (by a deal, by a lower rate) makes room for one who is not listed; [`SPARE`] more of
//! each kind are kept for that, until the list is refreshed.
//!
//! A list of one band asks for the best of that band: they are kept for each band as for the whole.
//! What is let go of a kind stands below all that is kept of its band, so a list of a band is right
//! as far as it goes; [`Shortlist::known`] is how far.

use std::collections::{BTreeMap, BTreeSet};

use crate::close_rate::evidence::DecayedEvidence;
use crate::close_rate::model::{Band, Model, Rank, Rate};
use crate::kernel::day::Day;
use crate::kernel::id::PersonId;

/// How many of the best are listed, whatever their rate.
pub const LISTED_MAX: usize = 100;
/// How many of each kind may drop out before one is missed.
pub const SPARE: usize = 50;
/// Most persons of a shortlist; with more in the upper bands the funnel stops counting.
pub const KEPT_MAX: usize = 2_000;

const KEPT_OF_EACH: usize = LISTED_MAX + SPARE;
/// Of each kind and band, and beside them as many of the upper bands as there is room for.
const _: () = assert!(2 * Band::ALL.len() * KEPT_OF_EACH <= KEPT_MAX);

/// Persons and their rank keys by one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shortlist {
    model: Model,
    places: BTreeMap<PersonId, RankKey>,
}

/// What a person is ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankKey {
    /// Their evidence.
    Ranked(Rank),
    /// A rate that was set by hand.
    Set(Rate),
}

/// The refreshed data of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankUpdate {
    /// The identity they are listed under.
    pub person: PersonId,
    /// Their other identities, which are not listed.
    pub others: BTreeSet<PersonId>,
    /// Their rank key, if they have one.
    pub place: Option<RankKey>,
}

/// A customer in a list by rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedCustomer {
    /// The person.
    pub person: PersonId,
    /// Their rate on the requested day.
    pub rate: Rate,
    /// Whether a member has set the rate.
    pub is_set: bool,
    /// How many in the list, of any band, stand above them.
    pub above: usize,
}

/// How many customers without a deal are in each band of the funnel, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funnel {
    /// By [`Band::ALL`].
    pub customers: [i64; Band::ALL.len()],
}

impl Funnel {
    /// The customers in one band, or in all.
    pub fn in_band(&self, band: Option<Band>) -> i64 {
        band.map_or_else(|| self.customers.iter().sum(), |band| self.customers[band as usize])
    }
}

/// Ranks are below; a rate set by hand is this and its basis points.
const SET: i64 = 1 << 44;

impl RankKey {
    /// The rank key of a customer; `None` for those who have closed a deal. Without evidence it is the
    /// lowest of all.
    pub fn of(model: &Model, evidence: &DecayedEvidence, set: Option<Rate>, closed: bool) -> Option<Self> {
        let ranked = || Self::Ranked(model.rank(evidence).unwrap_or(Rank::from_number(0)));
        (!closed).then(|| set.map_or_else(ranked, Self::Set))
    }

    /// As a number, not negative and below 2^45. Of rank keys with the same rate the higher
    /// number comes first.
    pub fn number(self) -> i64 {
        match self {
            Self::Ranked(rank) => rank.number(),
            Self::Set(rate) => SET | i64::from(rate.basis_points()),
        }
    }

    /// The rank key of this number, if there is one.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            ..0 => None,
            0..SET => Some(Self::Ranked(Rank::from_number(number))),
            SET.. => Some(Self::Set(u16::try_from(number - SET).ok()?.try_into().ok()?)),
        }
    }

    pub(crate) fn rate(self, model: &Model, today: Day) -> Rate {
        match self {
            Self::Ranked(rank) => model.rate_of(Some(rank), today),
            Self::Set(rate) => rate,
        }
    }
}

impl Shortlist {
    /// A list by this model.
    pub fn new(model: Model, places: impl IntoIterator<Item = (PersonId, RankKey)>) -> Self {
        Self { model, places: places.into_iter().collect() }
    }

    /// The model of the rank keys.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Enters the refreshed persons, by this list's model.
    pub fn update(&mut self, updates: impl IntoIterator<Item = RankUpdate>) {
        for RankUpdate { person, others, place } in updates {
            self.places.remove(&person);
            for other in others {
                self.places.remove(&other);
            }
            self.places.extend(place.map(|place| (person, place)));
        }
    }

    /// Removes everybody who is neither among the best of their kind and band nor in the upper bands.
    pub fn prune(&mut self, today: Day) {
        let (mut sorted, mut rest) = (self.sorted(today), Vec::new());
        let mut met = [[0; 2]; Band::ALL.len()];
        sorted.retain(|(rate, place, person)| {
            let (band, kind) = (Band::of(*rate), usize::from(matches!(place, RankKey::Set(_))));
            met[band as usize][kind] += 1;
            let is_best = met[band as usize][kind] <= KEPT_OF_EACH;
            rest.extend((!is_best && band != Band::Below50).then_some((*person, *place)));
            is_best
        });
        rest.truncate(KEPT_MAX - sorted.len());
        self.places = sorted.into_iter().map(|(_, place, person)| (person, place)).chain(rest).collect();
    }

    /// The most likely first, of one band or of all, at most [`LISTED_MAX`]; of equal ones the
    /// earliest.
    pub fn best(&self, today: Day, band: Option<Band>) -> Vec<RankedCustomer> {
        let ranked = self.sorted(today).into_iter().enumerate().map(|(above, (rate, place, person))| {
            let is_set = matches!(place, RankKey::Set(_));
            RankedCustomer { person, rate, is_set, above }
        });
        ranked.filter(|customer| is_in(band, customer.rate)).take(LISTED_MAX).collect()
    }

    /// How many are known of one band, or of all.
    pub fn known(&self, today: Day, band: Option<Band>) -> usize {
        self.places.values().filter(|place| is_in(band, place.rate(&self.model, today))).count()
    }

    /// The funnel of `everybody`, of whom `closed` have closed a deal; the others by band, which are
    /// as many together. A customer who is not in the list has about the rate of a customer without
    /// evidence.
    pub fn funnel(&self, today: Day, everybody: i64, closed: i64) -> Funnel {
        let mut customers = [0; Band::ALL.len()];
        for place in self.places.values() {
            customers[Band::of(place.rate(&self.model, today)) as usize] += 1;
        }
        // The list is some minutes older than the numbers: it may lack those who came since, and hold
        // those who have closed a deal or joined the company since.
        let mut missing = (everybody - closed).max(0) - customers.iter().sum::<i64>();
        customers[Band::of(self.model.base()) as usize] += missing.max(0);
        for band in customers.iter_mut().rev() {
            let gone = missing.min(0).max(-*band);
            *band += gone;
            missing -= gone;
        }
        Funnel { customers }
    }

    /// Whether somebody may have been let go: a kind has as many of a band as are kept.
    pub(crate) fn is_cut(&self, today: Day) -> bool {
        let mut met = [[0; 2]; Band::ALL.len()];
        self.places.values().any(|place| {
            let kind = usize::from(matches!(place, RankKey::Set(_)));
            let count = &mut met[Band::of(place.rate(&self.model, today)) as usize][kind];
            *count += 1;
            *count >= KEPT_OF_EACH
        })
    }

    /// Whether this identity is in the list.
    pub(crate) fn holds(&self, person: PersonId) -> bool {
        self.places.contains_key(&person)
    }

    /// How many persons have a rank key.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nobody has one.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Persons and rank keys, by person.
    pub fn iter(&self) -> impl Iterator<Item = (PersonId, RankKey)> {
        self.places.iter().map(|(person, place)| (*person, *place))
    }

    /// By the rate of today; where rates are the same, by what does not change.
    fn sorted(&self, today: Day) -> Vec<(Rate, RankKey, PersonId)> {
        let mut sorted: Vec<_> =
            self.iter().map(|(person, place)| (place.rate(&self.model, today), place, person)).collect();
        sorted.sort_by_key(|(rate, place, person)| (std::cmp::Reverse((*rate, place.number())), *person));
        sorted
    }
}

/// Whether a rate is in the wanted band.
fn is_in(band: Option<Band>, rate: Rate) -> bool {
    band.is_none_or(|band| band == Band::of(rate))
}

#[cfg(test)]
#[path = "shortlist_tests.rs"]
mod tests;
