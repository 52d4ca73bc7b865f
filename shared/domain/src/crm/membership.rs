//! Members are no customers: what changes when a person joins the company or leaves it.

use std::collections::BTreeMap;

use crate::crm::identities::{Customer, Identities, MergedCustomer};
use crate::kernel::id::PersonId;
use crate::radar::counter::CounterDeltas;

/// What is written when a person joins or leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipChange {
    /// The identity that joins or leaves, with the version it was read at.
    pub customer: Customer,
    /// The other identities of the person, which must still be at these versions.
    pub unchanged: BTreeMap<PersonId, u64>,
    /// The changes of the counters.
    pub deltas: CounterDeltas,
}

/// Makes an identity a member's, or a member's no longer; `None` when it is. `known` holds it with all
/// identities of its person, unless it has done nothing yet.
pub fn change_membership(known: &Identities, person: PersonId, member: bool) -> Option<MembershipChange> {
    let mut after = known.clone();
    let identity = after.entry(person).or_default();
    if identity.state.member == member {
        return None;
    }
    identity.state.member = member;
    let customer = identity.clone();
    let mut deltas = MergedCustomer::of(after.values()).contributions();
    deltas.subtract_all(&MergedCustomer::of(known.values()).contributions());
    after.remove(&person);
    let unchanged = after.into_iter().map(|(other, customer)| (other, customer.version)).collect();
    Some(MembershipChange { customer, unchanged, deltas })
}
