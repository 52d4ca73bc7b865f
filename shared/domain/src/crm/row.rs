//! A customer as the lists know them (客户列表): one small row for each person, made of all that is known
//! of them.
//!
//! A row says nothing that is not said elsewhere: it can be made again at any time. So lists filter, sort
//! and count without reading customers.

mod packed;

use crate::close_rate::model::{Band, Model, Rate, Source, effective};
use crate::close_rate::shortlist::RankKey;
use crate::crm::kind::CustomerKind;
use crate::crm::profile::ProfileField;
use crate::crm::record::KnownCustomer;
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DepartmentId, MemberId, PersonId, TagId};
use crate::kernel::money::Fen;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

pub use self::packed::{pack_rows, unpack_rows};

/// A customer of the company, with all of their identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    /// The first of their identities, by which lists name them.
    pub person: PersonId,
    /// The cards whose customer they are, by id.
    pub cards: Vec<RowCard>,
    /// The departments whose customer they are, by id.
    pub departments: Vec<DepartmentId>,
    /// What they are ranked by in the company; nothing with a closed deal.
    pub rank: Option<RankKey>,
    /// How many deals they have closed.
    pub deals: usize,
    /// The name that members have filled in; empty without one.
    pub name: String,
    /// The company they work for.
    pub company: String,
    /// The mobile number.
    pub mobile: String,
    /// The tags they were given, by id. Tags that were merged or deleted since stand here as they were.
    pub tags: Vec<TagId>,
    /// The day on which a deal is expected.
    pub expected_on: Option<Day>,
    /// The amount that is expected.
    pub amount: Option<Fen>,
    /// When they were there last.
    pub last_visit: Option<Timestamp>,
    /// When they were followed up last.
    pub last_follow_up: Option<Timestamp>,
    /// When they are followed up next, and by whom.
    pub next_follow_up: Option<RowPlan>,
}

/// A card whose customer they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCard {
    /// The card.
    pub card: CardId,
    /// What they are ranked by there; nothing with a deal that was closed there.
    pub rank: Option<RankKey>,
}

/// A planned follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlan {
    /// When.
    pub at: Timestamp,
    /// The member who will.
    pub by: MemberId,
}

impl CustomerRow {
    /// The row of a person; none of somebody who is no customer of the company. Ranks are by this model,
    /// and do not depend on the day, as long as it is not before the last event.
    pub fn of(known: &KnownCustomer, model: &Model, today: Day) -> Option<Self> {
        let merged = known.merged();
        let person = known.first()?;
        if !merged.state.is_customer_in(Scope::Company) {
            return None;
        }
        let (profile, expectation) = (known.profile(), known.expectation());
        let is_customer = |scope| merged.state.is_customer_in(scope);
        let cards = merged.state.cards.keys().filter(|card| is_customer(Scope::Card(**card)));
        let rank = |scope| merged.rank_key(scope, model, today);
        let tags = known.records.values().flat_map(|record| record.tags.keys());
        let mut tags: Vec<_> = tags.copied().collect();
        tags.sort_unstable();
        tags.dedup();
        Some(Self {
            person,
            cards: cards.map(|card| RowCard { card: *card, rank: rank(Scope::Card(*card)) }).collect(),
            departments: merged
                .state
                .departments
                .keys()
                .filter(|id| is_customer(Scope::Department(**id)))
                .copied()
                .collect(),
            rank: rank(Scope::Company),
            deals: merged.opportunity.deals_in(Scope::Company).len(),
            name: profile.text(ProfileField::Name).to_owned(),
            company: profile.text(ProfileField::Company).to_owned(),
            mobile: profile.text(ProfileField::Mobile).to_owned(),
            tags,
            expected_on: expectation.day.and_then(|set| set.value),
            amount: expectation.amount.and_then(|set| set.value),
            last_visit: merged.state.last_visit(),
            last_follow_up: known.last_follow_up(),
            next_follow_up: known.next_follow_up().map(|plan| RowPlan { at: plan.at, by: plan.by }),
        })
    }

    /// The kinds of the customer, as [`CustomerKind::of`] has them.
    pub fn kinds(&self) -> Vec<CustomerKind> {
        let by_cards = match self.cards.len() {
            0 => None,
            1 => Some(CustomerKind::Exclusive),
            _ => Some(CustomerKind::Shared),
        };
        by_cards.into_iter().chain(self.is_closed_in(Scope::Company).then_some(CustomerKind::Closed)).collect()
    }

    /// Whether they are a customer in a scope.
    pub fn is_in(&self, scope: Scope) -> bool {
        match scope {
            Scope::Company => true,
            Scope::Card(card) => self.card(card).is_some(),
            Scope::Department(department) => self.departments.binary_search(&department).is_ok(),
        }
    }

    /// Whether they have closed a deal in a scope. A department has none.
    pub fn is_closed_in(&self, scope: Scope) -> bool {
        match scope {
            Scope::Company => self.rank.is_none(),
            Scope::Card(card) => self.card(card).is_some_and(|of| of.rank.is_none()),
            Scope::Department(_) => false,
        }
    }

    /// Whether nobody is responsible for them: they are no card's customer.
    pub fn is_unowned(&self) -> bool {
        self.cards.is_empty()
    }

    /// Their rate in the company, and where it comes from.
    pub fn rate(&self, model: &Model, today: Day) -> (Rate, Source) {
        let (set, model) = match self.rank {
            Some(RankKey::Set(rate)) => (Some(rate), rate),
            Some(key) => (None, key.rate(model, today)),
            None => (None, Rate::CLOSED),
        };
        effective(self.rank.is_none(), set, model)
    }

    /// The band of the funnel of a scope they are in; none with a closed deal. A department has no funnel.
    pub fn band_in(&self, scope: Scope, model: &Model, today: Day) -> Option<Band> {
        let rank = match scope {
            Scope::Company => self.rank,
            Scope::Card(card) => self.card(card).and_then(|of| of.rank),
            Scope::Department(_) => None,
        };
        rank.map(|rank| Band::of(rank.rate(model, today)))
    }

    fn card(&self, card: CardId) -> Option<&RowCard> {
        let place = self.cards.binary_search_by_key(&card, |of| of.card).ok()?;
        self.cards.get(place)
    }

    /// Whether a member may see the customer, as [`KnownCustomer::is_visible_to`] decides.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        viewer.admin || viewer.card.is_some_and(|card| self.is_in(Scope::Card(card)))
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
pub(super) mod tests;
