//! The identities of a person as they are stored, and all of them together.

use std::collections::BTreeMap;

use crate::crm::customer::CustomerState;
use crate::crm::identity_group::IdentityLinks;
use crate::crm::opportunity::Opportunity;
use crate::kernel::id::PersonId;
use crate::radar::counter::CounterDeltas;

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
        deltas.add_all(&self.opportunity.contributions());
        deltas
    }
}
