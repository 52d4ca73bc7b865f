//! What members record of a customer, card by card: a rate set by hand (预计成交率) and closed deals
//! (成交).
//!
//! Each identity holds what was recorded under it; a person has all of it together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::close_rate::model::Rate;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, DealId, MemberId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

/// Most deals of one identity.
pub const DEALS_MAX: usize = 100;
/// How long ago a deal may have been closed, in days: ten years.
const DAYS_BACK_MAX: i32 = 3_653;

/// What was recorded of one identity; empty for most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Opportunity(BTreeMap<CardId, CardOpportunity>);

/// What was recorded on one card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct CardOpportunity {
    #[serde(default, rename = "r", skip_serializing_if = "Option::is_none")]
    rate: Option<ManualCloseRate>,
    #[serde(default, rename = "d", skip_serializing_if = "BTreeMap::is_empty")]
    deals: BTreeMap<DealId, Deal>,
}

/// A rate that was set by hand. Of two the one set later counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ManualCloseRate {
    /// When it was set.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The rate.
    #[serde(rename = "r")]
    pub rate: Rate,
    /// The member who set it.
    #[serde(rename = "b")]
    pub by: MemberId,
}

/// A deal that was closed outside the shop, as a member recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// The day on which it was closed.
    #[serde(rename = "o")]
    pub closed_on: Day,
    /// When it was recorded.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who recorded it.
    #[serde(rename = "b")]
    pub by: MemberId,
}

impl Deal {
    /// A deal that `by` records now.
    ///
    /// # Errors
    /// `out_of_range` for a day to come, or more than ten years ago.
    pub fn new(closed_on: Day, now: Timestamp, by: MemberId) -> Result<Self, FieldError> {
        let today = Day::of(now);
        let allowed = (today.plus(-DAYS_BACK_MAX)..=today).contains(&closed_on);
        let refused = || FieldError::new("out_of_range", "成交日期应为今天或十年以内的日期");
        allowed.then_some(Self { closed_on, at: now, by }).ok_or_else(refused)
    }
}

/// The identity has [`DEALS_MAX`] deals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyDeals;

impl Opportunity {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets or removes the rate on a card. Returns whether that changes anything.
    pub fn set_rate(&mut self, card: CardId, rate: Option<ManualCloseRate>) -> bool {
        let before = self.0.get(&card).and_then(|recorded| recorded.rate);
        if before != rate {
            self.0.entry(card).or_default().rate = rate;
            self.tidy();
        }
        before != rate
    }

    /// Records a deal on a card. Returns whether that changes anything: it does not when the deal
    /// is there already.
    ///
    /// # Errors
    /// [`TooManyDeals`].
    pub fn add_deal(&mut self, card: CardId, id: DealId, deal: Deal) -> Result<bool, TooManyDeals> {
        if self.deals_on(card).any(|(known, _)| known == id) {
            return Ok(false);
        }
        if self.0.values().map(|recorded| recorded.deals.len()).sum::<usize>() >= DEALS_MAX {
            return Err(TooManyDeals);
        }
        self.0.entry(card).or_default().deals.insert(id, deal);
        Ok(true)
    }

    /// Removes a deal. Returns whether there was one.
    pub fn remove_deal(&mut self, card: CardId, id: DealId) -> bool {
        let removed = self.0.get_mut(&card).is_some_and(|recorded| recorded.deals.remove(&id).is_some());
        self.tidy();
        removed
    }

    fn tidy(&mut self) {
        self.0.retain(|_, recorded| *recorded != CardOpportunity::default());
    }

    /// The deals on a card, in the order they were recorded.
    pub fn deals_on(&self, card: CardId) -> impl Iterator<Item = (DealId, Deal)> {
        self.0.get(&card).into_iter().flat_map(|recorded| &recorded.deals).map(|(id, deal)| (*id, *deal))
    }

    /// The deals in a scope with their cards, the last closed first. A department has none.
    pub fn deals_in(&self, scope: Scope) -> Vec<(CardId, DealId, Deal)> {
        let of_card = |card: CardId| self.deals_on(card).map(move |(id, deal)| (card, id, deal));
        let mut deals: Vec<_> =
            self.0.keys().filter(|card| counts_in(scope, **card)).flat_map(|card| of_card(*card)).collect();
        deals.sort_by_key(|(_, id, deal)| std::cmp::Reverse((deal.closed_on, *id)));
        deals
    }

    /// The rate set by hand that counts in a scope: the last one. A department has none.
    pub fn set_rate_in(&self, scope: Scope) -> Option<ManualCloseRate> {
        self.within(scope).filter_map(|recorded| recorded.rate).max()
    }

    /// The day of the first deal in a scope. A department has none.
    pub fn closed_on(&self, scope: Scope) -> Option<Day> {
        self.within(scope).flat_map(|recorded| recorded.deals.values()).map(|deal| deal.closed_on).min()
    }

    fn within(&self, scope: Scope) -> impl Iterator<Item = &CardOpportunity> {
        self.0.iter().filter(move |(card, _)| counts_in(scope, **card)).map(|(_, recorded)| recorded)
    }

    /// What was recorded of several identities that are one person.
    #[must_use]
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut union = Self::default();
        for (card, recorded) in parts.into_iter().flat_map(|part| &part.0) {
            let all = union.0.entry(*card).or_default();
            all.rate = all.rate.max(recorded.rate);
            all.deals.extend(recorded.deals.iter().map(|(id, deal)| (*id, *deal)));
        }
        union
    }

    /// The scopes with a deal.
    pub(super) fn closed_scopes(&self) -> impl Iterator<Item = Scope> {
        let scopes = self.0.keys().map(|card| Scope::Card(*card)).chain([Scope::Company]);
        scopes.filter(|scope| self.closed_on(*scope).is_some())
    }
}

fn counts_in(scope: Scope, card: CardId) -> bool {
    match scope {
        Scope::Card(one) => one == card,
        Scope::Company => true,
        Scope::Department(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn card(n: u128) -> CardId {
        CardId::from_uuid(Uuid::from_u128(n))
    }

    fn deal(day: i32) -> Deal {
        let by = MemberId::from_uuid(Uuid::from_u128(9));
        Deal { closed_on: Day::from_number(day), at: Timestamp::from_millis(7), by }
    }

    fn id(n: u128) -> DealId {
        DealId::from_uuid(Uuid::from_u128(n))
    }

    fn rate(percent: u64, ms: i64) -> Option<ManualCloseRate> {
        let by = MemberId::from_uuid(Uuid::from_u128(9));
        Some(ManualCloseRate {
            at: Timestamp::from_millis(1_795_000_000_000 + ms),
            rate: Rate::from_percent(percent).unwrap(),
            by,
        })
    }

    #[test]
    fn the_last_rate_counts_and_taking_it_back_leaves_the_other_cards() {
        let mut opportunity = Opportunity::default();
        assert!(opportunity.set_rate(card(1), rate(80, 5)) && !opportunity.set_rate(card(1), rate(80, 5)));
        assert!(opportunity.set_rate(card(2), rate(20, 9)));
        assert_eq!(opportunity.set_rate_in(Scope::Company), rate(20, 9));
        assert_eq!(opportunity.set_rate_in(Scope::Card(card(1))), rate(80, 5));
        assert!(opportunity.set_rate(card(2), None) && !opportunity.set_rate(card(2), None));
        assert_eq!(opportunity.set_rate_in(Scope::Company), rate(80, 5));
        assert!(opportunity.set_rate(card(1), None) && opportunity.is_empty());
    }

    #[test]
    fn a_deal_counts_once_on_its_card_and_in_the_company_until_it_is_removed() {
        let mut opportunity = Opportunity::default();
        assert_eq!(opportunity.add_deal(card(1), id(1), deal(30)), Ok(true));
        assert_eq!(opportunity.add_deal(card(1), id(1), deal(31)), Ok(false));
        assert_eq!(opportunity.add_deal(card(2), id(2), deal(10)), Ok(true));
        assert_eq!(opportunity.closed_on(Scope::Company), Some(Day::from_number(10)));
        assert_eq!(opportunity.closed_on(Scope::Card(card(1))), Some(Day::from_number(30)));
        assert_eq!(opportunity.closed_on(Scope::Card(card(3))), None);
        assert_eq!(opportunity.closed_scopes().count(), 3);
        assert!(opportunity.remove_deal(card(2), id(2)) && !opportunity.remove_deal(card(2), id(2)));
        assert_eq!(opportunity.closed_scopes().count(), 2);
        assert!(opportunity.remove_deal(card(1), id(1)) && opportunity.is_empty());
        assert_eq!(opportunity.closed_scopes().count(), 0);
    }

    #[test]
    fn the_deals_of_a_scope_stand_by_the_day_they_were_closed() {
        let mut opportunity = Opportunity::default();
        for (n, on, day) in [(1, 1, 30), (2, 2, 10), (3, 1, 40)] {
            opportunity.add_deal(card(on), id(n), deal(day)).unwrap();
        }
        let ids = |scope| opportunity.deals_in(scope).into_iter().map(|(_, id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(Scope::Company), [id(3), id(1), id(2)]);
        assert_eq!(ids(Scope::Card(card(2))), [id(2)]);
    }

    #[test]
    fn a_deal_is_closed_today_or_within_ten_years() {
        let by = MemberId::from_uuid(Uuid::from_u128(9));
        // The first instant of a day in Shanghai, which is the day before in London.
        let today = Day::from_number(20_000);
        let new = |day| Deal::new(day, today.start(), by).map_err(|error| error.code);
        assert_eq!(new(today).map(|deal| deal.closed_on), Ok(today));
        assert!(new(today.plus(-3_653)).is_ok());
        assert_eq!(new(today.plus(1)), Err("out_of_range"));
        assert_eq!(new(today.plus(-3_654)), Err("out_of_range"));
    }

    #[test]
    fn there_is_an_end_to_deals() {
        let mut opportunity = Opportunity::default();
        for n in 0..DEALS_MAX as u128 {
            assert_eq!(opportunity.add_deal(card(n % 3), id(n), deal(1)), Ok(true));
        }
        assert_eq!(opportunity.add_deal(card(1), id(999), deal(1)), Err(TooManyDeals));
        assert_eq!(opportunity.add_deal(card(1), id(1), deal(1)), Ok(false));
    }

    #[test]
    fn a_person_has_all_that_was_recorded_of_their_identities() {
        let (mut a, mut b) = (Opportunity::default(), Opportunity::default());
        a.set_rate(card(1), rate(80, 5));
        b.set_rate(card(1), rate(20, 9));
        a.add_deal(card(1), id(1), deal(3)).unwrap();
        b.add_deal(card(1), id(2), deal(2)).unwrap();
        let union = Opportunity::union([&a, &b]);
        assert_eq!(union, Opportunity::union([&b, &a]));
        assert_eq!(union.set_rate_in(Scope::Company), rate(20, 9));
        assert_eq!(union.deals_on(card(1)).count(), 2);
        assert_eq!(union.closed_scopes().count(), 2, "one customer of the card, one of the company");
        let stored = serde_json::to_string(&union).unwrap();
        assert_eq!(serde_json::from_str::<Opportunity>(&stored).unwrap(), union);
    }
}
