//! Which identities are one person: the ties that merges put between them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kernel::id::{MergeId, PersonId};

/// Two identities that are tied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MergeEdge {
    /// By which merge.
    #[serde(rename = "m")]
    pub merge: MergeId,
    /// The one that stands for more: who logged in, who granted the number now.
    pub a: PersonId,
    /// The other one.
    pub b: PersonId,
}

/// Identities that are one person: the ties between them. They are a tree, since who is
/// one person already is not tied again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Group(pub(super) BTreeSet<MergeEdge>);

/// How an identity stands to others. All identities of a group hold the same group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// Who is the same person.
    #[serde(default, rename = "g", skip_serializing_if = "Group::is_alone")]
    pub group: Group,
    /// Who is not, as somebody has decided by undoing a merge.
    #[serde(default, rename = "n", skip_serializing_if = "BTreeSet::is_empty")]
    pub apart: BTreeSet<PersonId>,
}

impl Group {
    /// Whether it is one identity only.
    pub fn is_alone(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an identity is tied to others in it.
    pub fn has(&self, person: PersonId) -> bool {
        self.0.iter().any(|tie| tie.a == person || tie.b == person)
    }

    /// The identities; none for one that is alone.
    pub fn members(&self) -> BTreeSet<PersonId> {
        self.0.iter().flat_map(|tie| [tie.a, tie.b]).collect()
    }

    /// Those that are still tied to an identity without this merge, and their ties.
    pub(super) fn around(&self, person: PersonId, without: MergeId) -> (BTreeSet<PersonId>, Self) {
        let (mut members, mut ties) = (BTreeSet::from([person]), BTreeSet::new());
        // A tree of n identities is walked in n rounds at most.
        for _ in 0..=self.0.len() {
            let near = |tie: &&MergeEdge| {
                tie.merge != without && (members.contains(&tie.a) || members.contains(&tie.b)) && !ties.contains(*tie)
            };
            let found: Vec<_> = self.0.iter().filter(near).copied().collect();
            members.extend(found.iter().flat_map(|tie| [tie.a, tie.b]));
            ties.extend(found);
        }
        (members, Self(ties))
    }
}
