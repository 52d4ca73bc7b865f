//! Who is a customer: the one population of all numbers of customers, of the funnel, the lists, the
//! profiles, and of what is evidence for a deal.
//!
//! A customer is a person who has logged in, of whom at least one event was counted on a card, or who
//! was added by a member, and who is not an active member of the company. Somebody is a customer of a
//! card, or of a department, when the event was counted there, or they were added there. Each is decided
//! by what is true now:
//!
//! - Anonymous people become customers by a login, and their past counts then.
//! - Customers who join the company stop being customers. What they did stays counted as views,
//!   forwards and the like.
//! - Members who leave are customers again, by all that was ever counted of them: what they did before,
//!   and the cards that they forwarded as members.
//! - Whoever has only called, opened the chat, taken back a like or stayed for a second is a customer,
//!   with the rate of a customer without evidence.
//! - Events that are held back (bots, own cards, colleagues, beyond a limit) make nobody a customer.

use super::{CardHistory, CustomerState};
use crate::close_rate::evidence::Evidence;
use crate::crm::active_days::ActiveDays;
use crate::kernel::id::CardId;
use crate::radar::counter::Scope;

impl CustomerState {
    /// Whether they are a customer wherever something of theirs is counted.
    pub fn may_be_customer(&self) -> bool {
        !self.anonymous && !self.member
    }

    /// Whether they are a customer in a scope.
    pub fn is_customer_in(&self, scope: Scope) -> bool {
        let active_days = match scope {
            Scope::Company => Some(&self.active_days),
            Scope::Card(card) => self.cards.get(&card).map(|history| &history.active_days),
            Scope::Department(department) => self.departments.get(&department),
        };
        self.may_be_customer() && active_days.is_some_and(|active_days| active_days.met)
    }

    /// The scopes in which they are a customer.
    pub(super) fn customer_scopes(&self) -> impl Iterator<Item = Scope> {
        let cards = self.cards.iter().map(|(card, history)| (Scope::Card(*card), &history.active_days));
        let departments = self.departments.iter().map(|(id, active_days)| (Scope::Department(*id), active_days));
        let all = [(Scope::Company, &self.active_days)].into_iter().chain(cards).chain(departments);
        let is_met = |(_, active_days): &(Scope, &ActiveDays)| self.may_be_customer() && active_days.met;
        all.filter(is_met).map(|(scope, _)| scope)
    }

    /// The evidence for a deal on one card; none of somebody who is no customer.
    pub fn evidence_on(&self, card: CardId) -> Evidence {
        self.cards.get(&card).filter(|_| self.may_be_customer()).map(CardHistory::evidence).unwrap_or_default()
    }

    /// The evidence for a deal on all cards together; none of somebody who is no customer.
    pub fn evidence(&self) -> Evidence {
        let mut sum = Evidence::default();
        self.cards.keys().for_each(|card| sum.add_all(&self.evidence_on(*card)));
        sum
    }

    /// The evidence for a deal in a scope. There is no list of a department.
    pub fn evidence_in(&self, scope: Scope) -> Evidence {
        match scope {
            Scope::Card(card) => self.evidence_on(card),
            Scope::Company | Scope::Department(_) => self.evidence(),
        }
    }
}

#[cfg(test)]
#[path = "population_tests.rs"]
mod tests;
