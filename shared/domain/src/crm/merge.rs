//! Merges: identities that are one person, and what merging them changes.
//!
//! An identity is the subject of a token. It never changes, events are recorded under it, and its
//! state, the *part*, is fed by its own events only. A merge is an edge between two identities.
//! All identities that edges connect, directly or not, are one person, whose state is the union
//! of the parts. So a merge moves the counters by what the union adds less what the two sides
//! added, and undoing it moves them back. Nothing is lost in between.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crm::identities::{Customer, MergedCustomer};
use crate::crm::identity_group::{Group, MergeEdge};
use crate::kernel::id::{MemberId, MergeId, PersonId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::CounterDeltas;

/// Most identities that are one person.
pub const IDENTITIES_MAX: usize = 10;
/// Most counter items that one merge may change: what the first transaction and the
/// pending changes it leaves behind can hold.
pub const CHANGES_MAX: usize = 3_000;
/// How many identities one is remembered to be kept apart from, the newest ones.
const APART_MAX: usize = 50;

/// The reason for a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MergeReason {
    /// A login carried the token that the person had used before (登录).
    Login,
    /// Both granted the same phone number (手机号), or one was added with it.
    Phone,
    /// A member has found that they are one person (手动合并).
    ByHand,
}

/// A merge, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Which identities, and the merge's id.
    #[serde(flatten)]
    pub edge: MergeEdge,
    /// Why.
    pub reason: MergeReason,
    /// When it was made.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// When and by whom it was undone, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// Who undid a merge, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// When it was undone.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who undid it.
    pub by: MemberId,
}

/// Why two identities are not merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeError {
    /// They are one person already.
    Already,
    /// The identity was merged with somebody else before.
    Taken,
    /// A merge between the two was undone.
    Apart,
    /// It would be too many identities, or too much to count anew.
    TooLarge,
}

/// What a merge or its undoing writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// All identities concerned, with the versions they were read at.
    pub customers: BTreeMap<PersonId, Customer>,
    /// The changes of the counters.
    pub deltas: CounterDeltas,
}

impl Merge {
    /// Merges two identities. `known` holds both and all of their groups; an identity that is
    /// missing has done nothing yet.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn plan(&self, known: &BTreeMap<PersonId, Customer>) -> Result<MergePlan, MergeError> {
        let MergeEdge { a, b, .. } = self.edge;
        let group_of = |person| known.get(&person).map(|customer| customer.links.group.clone()).unwrap_or_default();
        let (mut joined, other) = (group_of(a), group_of(b));
        let (mut ours, mut theirs) = (joined.members(), other.members());
        ours.insert(a);
        theirs.insert(b);
        if ours.contains(&b) {
            return Err(MergeError::Already);
        }
        if self.reason == MergeReason::Login && !other.is_alone() {
            return Err(MergeError::Taken);
        }
        let kept_apart = |person| known.get(person).is_some_and(|customer| !customer.links.apart.is_disjoint(&theirs));
        if self.reason != MergeReason::ByHand && ours.iter().any(kept_apart) {
            return Err(MergeError::Apart);
        }
        joined.0.extend(other.0);
        joined.0.insert(self.edge);
        let everybody: BTreeSet<_> = ours.union(&theirs).copied().collect();
        let mut plan = plan_of(known, &[(everybody.clone(), joined)], &[ours, theirs]);
        // Whoever merges them by hand knows that they are one.
        plan.customers
            .values_mut()
            .for_each(|customer| customer.links.apart.retain(|other| !everybody.contains(other)));
        let large = plan.customers.len() > IDENTITIES_MAX || plan.deltas.changes().count() > CHANGES_MAX;
        if large { Err(MergeError::TooLarge) } else { Ok(plan) }
    }

    /// Undoes the merge; the two are not merged again unless somebody does it. `None` when it is
    /// not in force.
    pub fn undo(&self, known: &BTreeMap<PersonId, Customer>) -> Option<MergePlan> {
        let MergeEdge { merge, a, b } = self.edge;
        let group = &known.get(&a)?.links.group;
        if !group.0.contains(&self.edge) {
            return None;
        }
        let sides = [group.around(a, merge), group.around(b, merge)];
        let mut plan = plan_of(known, &sides, &[group.members()]);
        for (person, other) in [(a, b), (b, a)] {
            if let Some(customer) = plan.customers.get_mut(&person) {
                customer.links.apart.insert(other);
                if customer.links.apart.len() > APART_MAX {
                    customer.links.apart.pop_first();
                }
            }
        }
        Some(plan)
    }
}

/// The groups of identities that are one person by the merges in force.
pub fn groups<'a>(merges: impl IntoIterator<Item = &'a Merge>) -> Vec<Group> {
    let (mut groups, mut of) = (BTreeMap::<MergeId, Group>::new(), BTreeMap::<PersonId, MergeId>::new());
    for edge in merges.into_iter().filter(|merge| merge.undone.is_none()).map(|merge| merge.edge) {
        let mut joined = Group(BTreeSet::from([edge]));
        let found = [edge.a, edge.b].map(|person| of.get(&person).and_then(|group| groups.remove(group)));
        joined.0.extend(found.into_iter().flatten().flat_map(|group| group.0));
        of.extend(joined.members().into_iter().map(|person| (person, edge.merge)));
        groups.insert(edge.merge, joined);
    }
    groups.into_values().collect()
}

/// What changes when the identities are `after` instead of `before`.
fn plan_of(
    known: &BTreeMap<PersonId, Customer>,
    after: &[(BTreeSet<PersonId>, Group)],
    before: &[BTreeSet<PersonId>],
) -> MergePlan {
    let nothing = Customer::default();
    let person = |identities: &BTreeSet<PersonId>| {
        // Somebody who has logged in and done nothing yet makes their past a customer's.
        MergedCustomer::of(identities.iter().map(|identity| known.get(identity).unwrap_or(&nothing))).contributions()
    };
    let (mut deltas, mut customers) = (CounterDeltas::default(), BTreeMap::new());
    for identities in before {
        deltas.subtract_all(&person(identities));
    }
    for (identities, group) in after {
        deltas.add_all(&person(identities));
        for identity in identities {
            let mut customer = known.get(identity).cloned().unwrap_or_default();
            customer.links.group = group.clone();
            customers.insert(*identity, customer);
        }
    }
    MergePlan { customers, deltas }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
