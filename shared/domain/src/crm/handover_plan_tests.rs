use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::crm::handover::HandoverState;
use crate::crm::ownership::{CollaboratorAccess, CustomerOwner};
use crate::crm::row::RowPlan;
use crate::crm::row::tests::{id, plain};
use crate::kernel::timestamp::Timestamp;

const LEAVER: u128 = 90;

fn handover(rule: HandoverRule) -> Handover {
    Handover {
        id: id(1),
        version: 0,
        leaver: id(LEAVER),
        card: Some(id(1)),
        department: Some(id(20)),
        rule,
        by: id(91),
        job: id(1),
        started_at: Timestamp::from_millis(0),
        moved_at: Timestamp::from_millis(0),
        state: HandoverState::Running,
        planned: HandoverCounts::new(),
        place: None,
        stayed: 0,
        undo: None,
    }
}

/// A customer: who owns them, whether they fell to a colleague, whether the leaver helps and plans.
type RowTraits = (Option<u8>, bool, bool, bool, bool);

fn row(n: u128, (owner, left, helps, plans, of_department): RowTraits) -> CustomerRow {
    let member = |owner| if owner == 0 { id(LEAVER) } else { id(70 + u128::from(owner)) };
    let at = Timestamp::from_millis(0);
    CustomerRow {
        owner: owner.map(|owner| CustomerOwner { member: Some(member(owner)), card: None }),
        former_owner: (left && owner != Some(0)).then(|| id(LEAVER)),
        collaborators: helps.then(|| (id(LEAVER), CollaboratorAccess::Edit)).into_iter().collect(),
        next_follow_up: plans.then(|| RowPlan { at, by: id(LEAVER) }),
        departments: of_department.then(|| id(20)).into_iter().collect(),
        ..plain(n)
    }
}

proptest! {
    #[test]
    fn everything_of_the_leaver_has_one_successor_whatever_the_order(
        kinds in prop::collection::vec((prop::option::of(0_u8..3), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()), 0..60),
        others in prop::collection::btree_set(11_u128..15, 0..4),
        of_department in prop::option::of(10_u128..16),
    ) {
        let rows: Vec<_> = kinds.iter().enumerate().map(|(n, kind)| row(n as u128, *kind)).collect();
        let rule = HandoverRule {
            tags: Vec::new(),
            departments: of_department.map(|to| (id(20), id(to))).into_iter().collect(),
            first: id(10),
            others: others.into_iter().map(id).collect(),
        };
        let (handover, book) = (handover(rule.clone()), TagBook::default());
        let planned = plan(&handover, &rows, &book);
        let mut backwards = rows.clone();
        backwards.reverse();
        prop_assert_eq!(&plan(&handover, &backwards, &book), &planned);
        let mut expected: Vec<(HandoverThing, Option<PersonId>)> = vec![(HandoverThing::Card, None)];
        let mut successors: BTreeMap<PersonId, BTreeSet<MemberId>> = BTreeMap::new();
        for (n, (owner, left, helps, plans, _)) in kinds.iter().enumerate() {
            let person = Some(id(n as u128));
            let is_left = *owner == Some(0) || *left;
            expected.extend(is_left.then_some((HandoverThing::Customers, person)));
            expected.extend(helps.then_some((HandoverThing::Collaborations, person)));
            expected.extend(plans.then_some((HandoverThing::FollowUps, person)));
        }
        let mut things: Vec<_> = planned.iter().map(|(thing, person, _)| (*thing, *person)).collect();
        expected.sort_unstable();
        things.sort_unstable();
        prop_assert_eq!(things, expected, "each once");
        for (thing, person, to) in &planned {
            prop_assert!(*to != id(LEAVER));
            let is_of_colleague = *thing == HandoverThing::FollowUps && !rule.successors().contains(to);
            prop_assert!(rule.successors().contains(to) || is_of_colleague);
            person.iter().for_each(|person| { successors.entry(*person).or_default().insert(*to); });
        }
        prop_assert!(successors.values().all(|of| of.len() == 1), "a customer goes as a whole");
        let counted: u32 = counts(&planned).values().flat_map(|of| of.values()).sum();
        prop_assert_eq!(counted as usize, planned.len());
    }
}

#[test]
fn a_follow_up_for_a_colleagues_customer_is_the_colleagues() {
    let rule = HandoverRule { tags: Vec::new(), departments: Vec::new(), first: id(10), others: Vec::new() };
    let rows = [row(1, (Some(2), false, false, true, false)), row(2, (None, false, false, true, false))];
    let planned = plan(&handover(rule), &rows, &TagBook::default());
    let plans: Vec<_> = planned.iter().filter(|(thing, ..)| *thing == HandoverThing::FollowUps).collect();
    assert_eq!(plans.iter().map(|(_, _, to)| *to).collect::<Vec<_>>(), [id(72), id(10)]);
}

#[test]
fn rows_of_a_moment_ago_are_asked_about() {
    let leaver = Leaver { member: id(LEAVER), card: Some(id(1)) };
    let mut visited = plain(1);
    visited.owner = None;
    assert!(visited.may_be_left_by(HandoverThing::Customers, leaver), "of the card");
    visited.cards.clear();
    assert!(!visited.may_be_left_by(HandoverThing::Customers, leaver));
    visited.former_owner = Some(id(LEAVER));
    assert!(visited.may_be_left_by(HandoverThing::Customers, leaver));
    assert!(!visited.may_be_left_by(HandoverThing::Collaborations, leaver));
}
