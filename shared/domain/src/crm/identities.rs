//! The identities of a person as they are stored, and all of them together.

use std::collections::BTreeMap;

use crate::close_rate::model::Model;
use crate::close_rate::shortlist::RankKey;
use crate::crm::customer::CustomerState;
use crate::crm::identity_group::IdentityLinks;
use crate::crm::opportunity::Opportunity;
use crate::kernel::day::Day;
use crate::kernel::id::PersonId;
use crate::radar::counter::{Counter, CounterDeltas, Period, Scope};

/// A customer's state and the version it was read at; 0 = never written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Customer {
    /// Raised by one with every write.
    pub version: u64,
    /// What is remembered of this identity's events.
    pub state: CustomerState,
    /// The other identities of the same person.
    pub links: IdentityLinks,
    /// What members have recorded of this identity.
    pub opportunity: Opportunity,
}

/// All identities of a person, as they were read.
pub type Identities = BTreeMap<PersonId, Customer>;

/// A person: all of their identities together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergedCustomer {
    /// What they have done.
    pub state: CustomerState,
    /// What members have recorded of them.
    pub opportunity: Opportunity,
}

impl MergedCustomer {
    /// The person of these identities.
    pub fn of<'a>(parts: impl Iterator<Item = &'a Customer> + Clone) -> Self {
        let state = CustomerState::union(parts.clone().map(|part| &part.state));
        Self { state, opportunity: Opportunity::union(parts.map(|part| &part.opportunity)) }
    }

    /// What they add to the counters.
    pub fn contributions(&self) -> CounterDeltas {
        let mut deltas = self.state.contributions();
        deltas.add_all(&self.closed());
        deltas
    }

    /// What they add to the counters of customers with a closed deal: one where they are a customer and
    /// have a deal.
    pub fn closed(&self) -> CounterDeltas {
        let mut deltas = CounterDeltas::default();
        for scope in self.opportunity.closed_scopes().filter(|scope| self.state.is_customer_in(*scope)) {
            deltas.add(scope, Period::Lifetime, Counter::ClosedCustomers, 1);
        }
        deltas
    }

    /// What they are ranked by in the list of a scope; none when they are no customer there, or have
    /// closed a deal.
    pub fn rank_key(&self, scope: Scope, model: &Model, today: Day) -> Option<RankKey> {
        let set = self.opportunity.set_rate_in(scope).map(|set| set.rate);
        let closed = self.opportunity.closed_on(scope).is_some();
        let key = RankKey::of(model, &self.state.evidence_in(scope).on(today), set, closed);
        key.filter(|_| self.state.is_customer_in(scope))
    }
}
