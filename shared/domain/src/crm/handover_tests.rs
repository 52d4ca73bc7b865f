use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

fn start() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn member(n: u128) -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(n))
}

fn rule(others: &[u128], tags: &[(u128, u128)], departments: &[(u128, u128)]) -> HandoverRule {
    let tag = |(tag, to): &(u128, u128)| (TagId::from_uuid(Uuid::from_u128(*tag)), member(*to));
    let department = |(id, to): &(u128, u128)| (DepartmentId::from_uuid(Uuid::from_u128(*id)), member(*to));
    HandoverRule {
        tags: tags.iter().map(tag).collect(),
        departments: departments.iter().map(department).collect(),
        first: member(1),
        others: others.iter().map(|n| member(*n)).collect(),
    }
}

fn traits(tags: &[u128], departments: &[u128]) -> HandoverTraits {
    HandoverTraits {
        tags: tags.iter().map(|n| TagId::from_uuid(Uuid::from_u128(*n))).collect(),
        departments: departments.iter().map(|n| DepartmentId::from_uuid(Uuid::from_u128(*n))).collect(),
    }
}

fn running() -> Handover {
    let id = Uuid::from_u128(7);
    Handover {
        id: HandoverId::from_uuid(id),
        version: 1,
        leaver: member(9),
        card: None,
        department: None,
        rule: rule(&[], &[], &[]),
        by: member(8),
        job: JobId::from_uuid(id),
        started_at: start(),
        moved_at: start(),
        state: HandoverState::Running,
        planned: HandoverCounts::new(),
        place: None,
        stayed: 0,
        undo: None,
    }
}

#[test]
fn a_tag_decides_before_a_department_and_all_others_take_turns() {
    let (rule, mut turn) = (rule(&[2, 3], &[(10, 4), (11, 5)], &[(20, 6)]), 0);
    let mut to = |tags: &[u128], departments: &[u128]| rule.successor(&traits(tags, departments), &mut turn);
    assert_eq!(to(&[11, 10], &[20]), member(4), "the first tag of the rule");
    assert_eq!(to(&[12], &[20, 21]), member(6));
    let turns: Vec<_> = (0..4).map(|_| to(&[12], &[])).collect();
    assert_eq!(turns, [1, 2, 3, 1].map(member));
}

#[test]
fn what_cannot_be_is_named_with_its_place() {
    let named = |rule: &HandoverRule| rule.check(member(9)).err().map(|error| (error.code, error.pointer));
    assert_eq!(named(&rule(&[2], &[(10, 3)], &[(20, 3)])), None);
    assert_eq!(named(&rule(&[1], &[], &[])), Some(("duplicate", "/successor_ids")));
    assert_eq!(named(&rule(&[], &[(10, 2), (10, 3)], &[])), Some(("duplicate", "/tags")));
    assert_eq!(named(&rule(&[], &[], &[(20, 2), (20, 3)])), Some(("duplicate", "/departments")));
    assert_eq!(named(&rule(&[9], &[], &[])), Some(("not_allowed", "/successor_ids")));
    assert_eq!(named(&rule(&[], &[(10, 9)], &[])), Some(("not_allowed", "/successor_ids")));
    let many: Vec<_> = (2..22).collect();
    assert_eq!(named(&rule(&many[..7], &[], &[])), None, "up to the leaver");
    assert_eq!(named(&rule(&many, &[], &[])), Some(("too_many", "/successor_ids")));
    let shares: Vec<_> = (0..21).map(|n| (n, 2)).collect();
    assert_eq!(named(&rule(&[], &shares, &[])), Some(("too_many", "/tags")));
    assert_eq!(named(&rule(&[], &[], &shares)), Some(("too_many", "/departments")));
    let all: Vec<_> = (10..20).map(|n| (n, n)).collect();
    let more: Vec<_> = (20..30).map(|n| (n, n)).collect();
    assert_eq!(named(&rule(&[], &all, &more)), Some(("too_many", "/successor_ids")));
}

#[test]
fn a_handover_goes_through_all_things_once_and_ends() {
    let now = start();
    let mut handover = running().counted(HandoverCounts::new(), now);
    let mut seen = Vec::new();
    for step in 0..20 {
        let Some(place) = handover.place.clone().filter(|_| handover.is_open()) else { break };
        seen.push((place.thing, place.after.clone(), place.turn));
        // Two pages of customers, one of all others.
        let next = (step == 0).then(|| "7".to_owned());
        let staying =
            StayingThing { thing: place.thing, what: String::new(), reason: StayReason::Changed, undoing: false };
        handover = handover.after(&HandoverPage { next, turn: place.turn + 1, staying: vec![staying] }, now);
    }
    let expected = [
        (HandoverThing::Customers, None, 0),
        (HandoverThing::Customers, Some("7".to_owned()), 1),
        (HandoverThing::Collaborations, None, 2),
        (HandoverThing::FollowUps, None, 3),
        (HandoverThing::Card, None, 4),
    ];
    assert_eq!(seen, expected);
    assert_eq!((handover.state, handover.stayed), (HandoverState::Done, 5));
}

#[test]
fn it_is_undone_once_within_thirty_days_and_not_while_it_goes_on() {
    let (job, by, early) = (running().job, member(8), start().plus_millis(HANDOVER_UNDO_MS));
    let undo = |state, now| Handover { state, ..running() }.undoing(by, job, now).map(|undoing| undoing.state);
    for state in [HandoverState::Done, HandoverState::Failed, HandoverState::UndoFailed] {
        assert_eq!(undo(state, early), Ok(HandoverState::Undoing));
        assert_eq!(undo(state, early.plus_millis(1)), Err(HandoverError::NotUndoable));
    }
    for state in [HandoverState::Running, HandoverState::Undoing, HandoverState::Undone] {
        assert_eq!(undo(state, early), Err(HandoverError::NotUndoable));
    }
    let undoing = Handover { state: HandoverState::Done, ..running() }.undoing(by, job, early).unwrap();
    let page = |next: Option<&str>| HandoverPage { next: next.map(str::to_owned), ..HandoverPage::default() };
    let more = undoing.after_undone(&page(Some("3")), early);
    assert_eq!((more.state, more.undo.as_ref().unwrap().after.as_deref()), (HandoverState::Undoing, Some("3")));
    assert_eq!(more.after_undone(&page(None), early).state, HandoverState::Undone);
}

proptest! {
    #[test]
    fn everything_has_one_successor_of_the_rule(
        others in prop::collection::btree_set(2_u128..8, 0..4),
        tags in prop::collection::vec((0_u128..5, 2_u128..12), 0..4),
        departments in prop::collection::vec((0_u128..5, 2_u128..12), 0..4),
        things in prop::collection::vec((prop::collection::vec(0_u128..5, 0..3), prop::collection::vec(0_u128..5, 0..3)), 0..40),
    ) {
        let rule = rule(&others.into_iter().collect::<Vec<_>>(), &tags, &departments);
        let assign = || {
            let mut turn = 0;
            things.iter().map(|(tags, of)| rule.successor(&traits(tags, of), &mut turn)).collect::<Vec<_>>()
        };
        let assigned = assign();
        prop_assert_eq!(&assigned, &assign(), "the same again");
        let successors = rule.successors();
        prop_assert!(assigned.iter().all(|to| successors.contains(to)));
        if tags.is_empty() && departments.is_empty() {
            let of = |member| assigned.iter().filter(|to| **to == member).count();
            let shares: Vec<_> = successors.iter().map(|to| of(*to)).collect();
            prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "fair");
        }
    }
}
