//! What a handover has moved of a customer: what stood there before, and what it has put there. By that it
//! is undone, where nobody has changed it since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crm::follow_up::NextFollowUp;
use crate::crm::handover::HandoverThing;
use crate::crm::ownership::{CollaboratorMark, Collaborators, Leaver, Ownership, OwnershipReason};
use crate::crm::record::{CustomerRecord, KnownCustomer, Records};
use crate::kernel::id::{MemberId, PersonId};
use crate::kernel::timestamp::Timestamp;

/// What a handover moves of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPart {
    /// The decision about the owner.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
    /// The next follow-up.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub next_follow_up: Option<NextFollowUp>,
    /// The collaborators, of the leaver and their successor.
    #[serde(rename = "c", default, skip_serializing_if = "Collaborators::is_empty")]
    pub collaborators: Collaborators,
}

/// The parts of the identities that are one person.
pub type RecordParts = BTreeMap<PersonId, RecordPart>;

/// The successor that a member had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardMove {
    /// Who was named; `None` for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<MemberId>,
}

/// A thing that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// The kind of thing.
    pub thing: HandoverThing,
    /// Its id.
    pub what: String,
    /// Who has it since.
    pub to: MemberId,
    /// Whether they had it by turn.
    pub by_turn: bool,
    /// What stood there before; nothing of a card.
    #[serde(default, skip_serializing_if = "RecordParts::is_empty")]
    pub before: RecordParts,
    /// What was put there.
    #[serde(default, skip_serializing_if = "RecordParts::is_empty")]
    pub after: RecordParts,
    /// What stood on the card before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardMove>,
    /// Whether it was restored.
    #[serde(default)]
    pub restored: bool,
}

/// A move of something of a customer.
#[derive(Debug, Clone, Copy)]
pub struct CustomerMove {
    /// The kind of thing.
    pub thing: HandoverThing,
    /// From whom.
    pub from: MemberId,
    /// To whom.
    pub to: MemberId,
    /// Who has decided it.
    pub by: MemberId,
    /// When.
    pub now: Timestamp,
}

impl HandoverThing {
    /// What is moved of a record between these members.
    fn part(self, record: &CustomerRecord, members: [MemberId; 2]) -> RecordPart {
        match self {
            Self::Customers => RecordPart { ownership: record.ownership, ..RecordPart::default() },
            Self::FollowUps => RecordPart { next_follow_up: record.next_follow_up, ..RecordPart::default() },
            Self::Collaborations => {
                let theirs = record.collaborators.iter().filter(|(member, _)| members.contains(member));
                let collaborators = theirs.map(|(member, mark)| (*member, *mark)).collect();
                RecordPart { collaborators, ..RecordPart::default() }
            }
            Self::Card => RecordPart::default(),
        }
    }

    /// Puts a part back into a record.
    fn put_back(self, part: &RecordPart, record: &mut CustomerRecord, members: [MemberId; 2]) {
        match self {
            Self::Customers => record.ownership = part.ownership,
            Self::FollowUps => record.next_follow_up = part.next_follow_up,
            Self::Collaborations => {
                record.collaborators.retain(|member, _| !members.contains(member));
                record.collaborators.extend(part.collaborators.clone());
            }
            Self::Card => {}
        }
    }
}

impl KnownCustomer {
    /// Whether something of this kind is the member's who has left.
    pub fn is_of_leaver(&self, thing: HandoverThing, leaver: Leaver) -> bool {
        match thing {
            HandoverThing::Customers => self.is_customer() && self.is_left_by(leaver),
            HandoverThing::Collaborations => self.collaborators().contains_key(&leaver.member),
            HandoverThing::FollowUps => {
                let plans = self.records.values().filter_map(|record| record.next_follow_up);
                plans.into_iter().any(|plan| plan.by == leaver.member)
            }
            HandoverThing::Card => false,
        }
    }

    /// The records that change by a move.
    pub fn with_move(&self, person: PersonId, wanted: CustomerMove) -> Records {
        let CustomerMove { thing, from, to, by, now } = wanted;
        let leading = self.leading_identity(person);
        match thing {
            HandoverThing::Customers => {
                self.with_owner(person, Some(to), Some(by), (OwnershipReason::HandedOver, now)).1
            }
            HandoverThing::Collaborations => {
                let seat = self.moved_seat(wanted);
                self.changed(leading, |records| {
                    for (identity, record) in records {
                        record.collaborators.remove(&from);
                        if let Some(seat) = seat {
                            record.collaborators.remove(&to);
                            record.collaborators.extend((*identity == leading).then_some((to, seat)));
                        }
                    }
                })
            }
            HandoverThing::FollowUps => self.changed(leading, |records| {
                for plan in records.values_mut().filter_map(|record| record.next_follow_up.as_mut()) {
                    plan.by = if plan.by == from { to } else { plan.by };
                }
            }),
            HandoverThing::Card => Records::new(),
        }
    }

    /// The seat of the one who takes over, unless they may do as much already.
    fn moved_seat(&self, CustomerMove { from, to, by, now, .. }: CustomerMove) -> Option<CollaboratorMark> {
        let seats = self.collaborators();
        let access = seats.get(&from).map(|seat| seat.access)?;
        let owns = self.owner().is_some_and(|owner| owner.member == Some(to));
        let has_it = owns || seats.get(&to).is_some_and(|seat| seat.access >= access);
        (!has_it).then_some(CollaboratorMark { at: now, by, access })
    }
}

impl HandedOver {
    /// The note of a move that changes these records.
    pub fn of(
        known: &KnownCustomer,
        changed: &Records,
        (what, by_turn): (PersonId, bool),
        wanted: CustomerMove,
    ) -> Self {
        let CustomerMove { thing, from, to, .. } = wanted;
        let part = |record: &CustomerRecord| thing.part(record, [from, to]);
        let before = changed.keys().map(|identity| (*identity, part(&known.record_of(*identity))));
        let after = changed.iter().map(|(identity, record)| (*identity, part(record)));
        let (before, after) = (before.collect(), after.collect());
        Self { thing, what: what.to_string(), to, by_turn, before, after, card: None, restored: false }
    }

    /// The records that change when what was moved goes back to how it stood; `None` when somebody has
    /// changed it since.
    pub fn undone(&self, known: &KnownCustomer, leaver: MemberId) -> Option<Records> {
        let (first, members) = (*self.after.keys().next()?, [leaver, self.to]);
        let stands =
            |(identity, part): (&PersonId, &RecordPart)| self.thing.part(&known.record_of(*identity), members) == *part;
        let stands = known.erased_at().is_none() && self.after.iter().all(stands);
        let undone = || {
            known.changed(first, |records| {
                for (identity, part) in &self.before {
                    self.thing.put_back(part, records.entry(*identity).or_default(), members);
                }
            })
        };
        stands.then(undone)
    }
}

#[cfg(test)]
#[path = "handed_over_tests.rs"]
mod tests;
