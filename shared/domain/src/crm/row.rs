//! A customer as the lists know them (客户列表): one small row for each person, made of all that is known
//! of them.
//!
//! A row says nothing that is not said elsewhere: it can be made again at any time. So lists filter, sort
//! and count without reading customers.

pub mod packed;

use crate::close_rate::model::{Band, Model, Rate, Source, effective};
use crate::close_rate::shortlist::RankKey;
use crate::crm::addition::CustomerSource;
use crate::crm::kind::CustomerKind;
use crate::crm::ownership::{CollaboratorAccess, CustomerOwner, CustomerRight};
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DepartmentId, MemberId, PersonId, TagId};
use crate::kernel::money::Fen;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

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
    /// How they came.
    pub source: CustomerSource,
    /// Who owns them; nobody in the pool.
    pub owner: Option<CustomerOwner>,
    /// The member who would own them, had they not left.
    pub former_owner: Option<MemberId>,
    /// Who helps the owner.
    pub collaborators: Vec<(MemberId, CollaboratorAccess)>,
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

    /// Whether nobody owns them.
    pub fn is_unowned(&self) -> bool {
        self.owner.is_none()
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

    /// What a member may do with the customer.
    pub fn right_of(&self, viewer: Viewer) -> CustomerRight {
        let has_card = viewer.card.is_some_and(|card| self.is_in(Scope::Card(card)));
        let access = self.collaborators.iter().find(|(member, _)| *member == viewer.member).map(|(_, access)| *access);
        CustomerRight::of(viewer, self.owner, has_card, access)
    }

    /// Whether a member may see the customer.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        self.right_of(viewer) > CustomerRight::None
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
pub(super) mod tests;
