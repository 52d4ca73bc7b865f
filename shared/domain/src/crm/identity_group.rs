//! Which identities are one person: the edges that merges put between them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kernel::id::{MergeId, PersonId};

/// Two identities that a merge connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MergeEdge {
    /// The merge that put it there.
    #[serde(rename = "m")]
    pub merge: MergeId,
    /// The leading identity: the one that logged in, or that has granted the number now.
    pub a: PersonId,
    /// The other one.
    pub b: PersonId,
}

/// Identities that are one person: the edges between them. The edges form a tree, since two
/// identities of one person do not get another edge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Group(pub(super) BTreeSet<MergeEdge>);

/// How an identity relates to others. All identities of a group hold the same group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityLinks {
    /// The identities of the same person.
    #[serde(default, rename = "g", skip_serializing_if = "Group::is_alone")]
    pub group: Group,
    /// The identities of other persons, as a member has decided by undoing a merge.
    #[serde(default, rename = "n", skip_serializing_if = "BTreeSet::is_empty")]
    pub apart: BTreeSet<PersonId>,
}

impl Group {
    /// Whether it is one identity only.
    pub fn is_alone(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an identity is connected to others in it.
    pub fn has(&self, person: PersonId) -> bool {
        self.0.iter().any(|edge| edge.a == person || edge.b == person)
    }

    /// The identities; none for one that is alone.
    pub fn members(&self) -> BTreeSet<PersonId> {
        self.0.iter().flat_map(|edge| [edge.a, edge.b]).collect()
    }

    /// The identities that stay connected to an identity without this merge, and their edges.
    pub(super) fn around(&self, person: PersonId, without: MergeId) -> (BTreeSet<PersonId>, Self) {
        let (mut members, mut edges) = (BTreeSet::from([person]), BTreeSet::new());
        // A tree of n identities is walked in n rounds at most.
        for _ in 0..=self.0.len() {
            let near = |edge: &&MergeEdge| {
                edge.merge != without
                    && (members.contains(&edge.a) || members.contains(&edge.b))
                    && !edges.contains(*edge)
            };
            let found: Vec<_> = self.0.iter().filter(near).copied().collect();
            members.extend(found.iter().flat_map(|edge| [edge.a, edge.b]));
            edges.extend(found);
        }
        (members, Self(edges))
    }
}
