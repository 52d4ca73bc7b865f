//! What a handover will move to whom, from the rows of the list: the same that its steps do.

use std::collections::BTreeMap;

use crate::crm::handover::{Handover, HandoverCounts, HandoverRule, HandoverThing, HandoverTraits};
use crate::crm::ownership::Leaver;
use crate::crm::row::CustomerRow;
use crate::crm::tag::TagBook;
use crate::kernel::id::{MemberId, PersonId};
use crate::kernel::string_enum::string_enum;

string_enum! {
    /// What the boss should know before they start a handover.
    HandoverWarning, "unknown_warning", "没有这种提示" {
        /// 离任者仍在职，开始交接时会被停用
        LeaverActive = "leaver_active",
        /// 接任者将超过持有上限
        OverHeldMax = "over_held_max",
        /// 接任者没有名片，离任者的名片无法指向他
        NoCard = "no_card",
    }
}

/// A thing, the customer whose it is or none of a card, and who takes it over.
pub type PlannedMove = (HandoverThing, Option<PersonId>, MemberId);
/// Who takes over which customer, as far as it is decided.
type Decided = BTreeMap<PersonId, MemberId>;

impl HandoverTraits {
    /// What a rule looks at of a customer. Tags that were merged count as what they are now.
    pub fn of(row: &CustomerRow, book: &TagBook) -> Self {
        let tags = row.tags.iter().filter_map(|tag| book.resolve(*tag));
        Self { tags: tags.collect(), departments: row.departments.iter().copied().collect() }
    }
}

impl HandoverRule {
    /// The rule by the tags as they are now.
    #[must_use]
    pub fn read_by(&self, book: &TagBook) -> Self {
        let tags = self.tags.iter().filter_map(|(tag, member)| Some((book.resolve(*tag)?, *member)));
        Self { tags: tags.collect(), ..self.clone() }
    }
}

impl CustomerRow {
    /// Whether a handover may have to move the customer, or something of them: rows may be of a moment ago.
    pub fn may_be_left_by(&self, thing: HandoverThing, leaver: Leaver) -> bool {
        match thing {
            HandoverThing::Customers => {
                self.is_left_by(leaver) || self.cards.iter().any(|of| Some(of.card) == leaver.card)
            }
            HandoverThing::Collaborations => self.has_collaborator(leaver.member),
            HandoverThing::FollowUps | HandoverThing::Card => false,
        }
    }

    fn is_left_by(&self, leaver: Leaver) -> bool {
        let owns = self.owner.is_some_and(|owner| match owner.member {
            Some(member) => member == leaver.member,
            None => owner.card.is_some() && owner.card == leaver.card,
        });
        owns || self.former_owner == Some(leaver.member)
    }

    fn has_collaborator(&self, member: MemberId) -> bool {
        self.collaborators.iter().any(|(collaborator, _)| *collaborator == member)
    }
}

/// Who takes over what of these customers, and the card. The same rows in any order have the same plan.
pub fn plan(handover: &Handover, rows: &[CustomerRow], book: &TagBook) -> Vec<PlannedMove> {
    let (leaver, rule, mut turn) = (handover.leaver(), handover.rule.read_by(book), 0);
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| row.person);
    let (mut planned, mut decided) = (Vec::new(), Decided::new());
    for thing in HandoverThing::ALL.iter().copied() {
        for row in &rows {
            let is_moved = match thing {
                HandoverThing::Customers => row.is_left_by(leaver),
                HandoverThing::Collaborations => row.has_collaborator(leaver.member),
                HandoverThing::FollowUps => row.next_follow_up.is_some_and(|plan| plan.by == leaver.member),
                HandoverThing::Card => false,
            };
            if is_moved {
                let own = row.owner.and_then(|owner| owner.member).filter(|owner| *owner != leaver.member);
                let own = own.filter(|_| thing == HandoverThing::FollowUps);
                let known = decided.get(&row.person).copied().or(own);
                let to = known.unwrap_or_else(|| rule.successor(&HandoverTraits::of(row, book), &mut turn));
                decided.entry(row.person).or_insert(to);
                planned.push((thing, Some(row.person), to));
            }
        }
        if thing == HandoverThing::Card && handover.card.is_some() {
            planned.push((thing, None, rule.successor(&handover.card_traits(), &mut turn)));
        }
    }
    planned
}

/// How many things go to whom.
pub fn counts(planned: &[PlannedMove]) -> HandoverCounts {
    let mut counts = HandoverCounts::new();
    for (thing, _, to) in planned {
        *counts.entry(*thing).or_default().entry(*to).or_default() += 1;
    }
    counts
}

#[cfg(test)]
#[path = "handover_plan_tests.rs"]
mod tests;
