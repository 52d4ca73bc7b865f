use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::company::department::DepartmentPath;
use crate::crm::addition::{Addition, CustomerSource};
use crate::crm::customer::SentBy;
use crate::crm::identities::Customer;
use crate::crm::identity_group::{Group, IdentityLinks, MergeEdge};
use crate::crm::member_directory::MemberDirectory;
use crate::crm::ownership::CollaboratorAccess;
use crate::crm::record::CustomerRecord;
use crate::kernel::id::{Id, MergeId};
use crate::kernel::timestamp::DAY_MS;
use crate::tracking::event::{Event, EventKind, Object, Target};

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn member(n: u128) -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(n))
}

fn card(n: u128) -> CardId {
    CardId::from_uuid(Uuid::from_u128(n))
}

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

/// The member `n`, who has card `n`.
fn staff(n: u128) -> Viewer {
    Viewer { member: member(n), card: Some(card(n)), admin: false }
}

fn admin() -> Viewer {
    Viewer { member: member(90), card: None, admin: true }
}

/// Members 1 to 9 with their cards, but for those who are gone.
fn directory(gone: &[u128]) -> MemberDirectory {
    MemberDirectory::of((1..10).map(|n| DirectoryEntry {
        member: member(n),
        card: Some(card(n)),
        department: None,
        active: !gone.contains(&n),
    }))
}

/// Somebody who viewed each of these cards on a day.
fn visited(cards: &[(u128, i64)]) -> Customer {
    let mut customer = Customer { version: 1, ..Customer::default() };
    for (on, day) in cards {
        let at = now().plus_millis(day * DAY_MS);
        let object = Object { target: Target::Card, title: None };
        let kind = EventKind::ViewCard;
        let event = Event { kind, card: card(*on), object, share_code: None, at, duration_ms: None, filtered: None };
        customer.state.apply(SentBy::LoggedIn, &[event], &DepartmentPath::default()).unwrap();
    }
    customer
}

fn known(cards: &[(u128, i64)], gone: &[u128]) -> KnownCustomer {
    let identities = [(person(5), visited(cards))].into();
    KnownCustomer { identities, directory: directory(gone), ..KnownCustomer::default() }
}

/// After a decision.
fn decided(mut known: KnownCustomer, owner: Option<u128>, reason: OwnershipReason) -> KnownCustomer {
    let (_, changed) = known.with_owner(person(5), owner.map(member), Some(member(90)), (reason, now()));
    known.records.extend(changed);
    known
}

fn owner(known: &KnownCustomer) -> Option<MemberId> {
    known.owner().and_then(|owner| owner.member)
}

#[test]
fn the_owner_of_the_first_card_owns_whoever_is_not_decided_about() {
    assert_eq!(owner(&known(&[(2, 5)], &[])), Some(member(2)));
    assert_eq!(owner(&known(&[(1, 5), (2, 3)], &[])), Some(member(2)), "the first day counts");
    assert_eq!(owner(&known(&[(2, 3), (1, 3)], &[])), Some(member(1)), "of the same day the older card");
    assert_eq!(owner(&known(&[(1, 5), (2, 3)], &[2])), Some(member(1)), "who is gone owns nobody");
    assert_eq!(known(&[(1, 5), (2, 3)], &[1, 2]).owner(), None);
    // Housekeeping has not seen the card yet: its owner stands as active.
    let new_card = known(&[(77, 1)], &[]);
    assert_eq!(new_card.owner(), Some(CustomerOwner { member: None, card: Some(card(77)) }));
    assert_eq!(new_card.right_of(Viewer { card: Some(card(77)), ..staff(8) }), CustomerRight::Own);
    assert_eq!(new_card.right_of(staff(3)), CustomerRight::None);
}

#[test]
fn whoever_added_a_customer_met_them_on_that_day() {
    let mut added = known(&[(2, 5)], &[]);
    let (at, by, source) = (now().plus_millis(3 * DAY_MS), member(3), CustomerSource::ByHand);
    let departments = DepartmentPath::default();
    let addition = Addition { at, by, source, card: Some(card(3)), departments, mobile: None };
    added.identities.insert(person(6), addition.customer());
    added.records.insert(person(6), CustomerRecord { addition: Some(addition), ..CustomerRecord::default() });
    assert_eq!(owner(&added), Some(member(3)), "before the first visit");
    let alone = KnownCustomer { identities: [(person(6), added.identities[&person(6)].clone())].into(), ..added };
    assert_eq!(owner(&alone), Some(member(3)));
}

#[test]
fn a_decision_overrides_behaviour_and_whoever_left_holds_nobody() {
    let taken = decided(known(&[(1, 1)], &[]), Some(3), OwnershipReason::Assigned);
    assert_eq!(owner(&taken), Some(member(3)));
    let back = decided(taken.clone(), None, OwnershipReason::Returned);
    assert_eq!((back.owner(), back.ownership().unwrap().reason), (None, OwnershipReason::Returned));
    let left = KnownCustomer { directory: directory(&[3]), ..taken };
    assert_eq!(left.owner(), None, "nobody took over: neither does the first card");
}

#[test]
fn decisions_are_later_than_all_before_and_replace_those_of_every_identity() {
    let mut both = known(&[(1, 1)], &[]);
    let edge = MergeEdge { merge: MergeId::from_uuid(Uuid::from_u128(1)), a: person(5), b: person(2) };
    let links: Vec<(_, IdentityLinks)> = [5, 2].map(|n| (person(n), links_of(edge))).into();
    both.identities.insert(person(2), visited(&[(2, 1)]));
    for (identity, links) in links {
        both.identities.get_mut(&identity).unwrap().links = links;
    }
    let later =
        Ownership { at: now().plus_millis(9), by: None, owner: Some(member(4)), reason: OwnershipReason::Claimed };
    let earlier = Ownership { at: now(), owner: Some(member(6)), ..later };
    for (n, ownership) in [(5, later), (2, earlier)] {
        both.records.insert(person(n), CustomerRecord { ownership: Some(ownership), ..CustomerRecord::default() });
    }
    assert_eq!(owner(&both), Some(member(4)));
    let (decision, changed) = both.with_owner(person(5), Some(member(7)), None, (OwnershipReason::HandedOver, now()));
    assert_eq!(decision.at, now().plus_millis(10), "whatever the clocks show");
    assert_eq!(changed[&person(2)].ownership, Some(decision), "under the first identity");
    assert_eq!(changed[&person(5)].ownership, None);
    let expected = [(member(4), -1), (member(6), -1), (member(7), 1)];
    assert_eq!(both.holding_changes(&changed), expected.into());
}

fn links_of(edge: MergeEdge) -> IdentityLinks {
    let group: Group = serde_json::from_value(serde_json::json!([edge])).unwrap();
    IdentityLinks { group, ..IdentityLinks::default() }
}

#[test]
fn a_colleague_sees_whom_they_help_whom_they_met_and_whom_nobody_owns() {
    let exclusive = known(&[(1, 1)], &[]);
    assert_eq!(exclusive.right_of(staff(1)), CustomerRight::Own);
    assert_eq!(exclusive.right_of(admin()), CustomerRight::Own);
    assert_eq!(exclusive.right_of(staff(2)), CustomerRight::None);
    assert!(!exclusive.is_visible_to(staff(2)) && exclusive.may_be_edited_by(staff(1)));
    let shared = known(&[(1, 1), (2, 2)], &[]);
    assert_eq!(shared.right_of(staff(2)), CustomerRight::Edit, "their card, and not the first one");
    let unowned = decided(exclusive.clone(), None, OwnershipReason::Recycled);
    assert_eq!(unowned.right_of(staff(2)), CustomerRight::Unowned);
    assert_eq!(unowned.right_of(staff(1)), CustomerRight::Edit, "their card");
    let mut helped = exclusive;
    for (access, right) in
        [(CollaboratorAccess::View, CustomerRight::View), (CollaboratorAccess::Edit, CustomerRight::Edit)]
    {
        let mark = CollaboratorMark { at: now(), by: member(1), access };
        let changed = helped.with_collaborator(person(5), member(2), Some(mark)).unwrap();
        assert!(!changed.is_empty());
        helped.records.extend(changed);
        assert_eq!(helped.right_of(staff(2)), right);
        assert!(helped.with_collaborator(person(5), member(2), Some(mark)).unwrap().is_empty());
    }
    let changed = helped.with_collaborator(person(5), member(2), None).unwrap();
    helped.records.extend(changed);
    assert_eq!(helped.right_of(staff(2)), CustomerRight::None);
}

#[test]
fn whoever_did_nothing_is_no_customer_of_anybody() {
    let nobody = decided(known(&[], &[]), None, OwnershipReason::Returned);
    assert!(!nobody.is_visible_to(admin()));
    assert_eq!(nobody.check_claim(staff(1)), Err(Failure::NotFound.into()));
}

#[test]
fn only_whom_nobody_owns_is_claimed_and_nobody_learns_of_a_colleagues_customer() {
    let exclusive = known(&[(1, 1)], &[]);
    assert_eq!(exclusive.check_claim(staff(2)), Err(Failure::NotFound.into()));
    assert_eq!(exclusive.check_claim(staff(1)), Err(CustomerError::AlreadyOwned));
    let unowned = decided(exclusive, None, OwnershipReason::Returned);
    assert_eq!(unowned.check_claim(staff(2)), Ok(()));
    let claimed = decided(unowned.clone(), Some(3), OwnershipReason::Claimed);
    assert_eq!(claimed.check_claim(staff(2)), Err(CustomerError::AlreadyOwned), "all have seen the customer");
    let assigned = decided(unowned, Some(3), OwnershipReason::Assigned);
    assert_eq!(assigned.check_claim(staff(2)), Err(Failure::NotFound.into()));
}

#[test]
fn there_is_an_end_to_collaborators() {
    let mut helped = known(&[(1, 1)], &[]);
    let mark = CollaboratorMark { at: now(), by: member(1), access: CollaboratorAccess::View };
    for n in 0..COLLABORATORS_MAX as u128 {
        let changed = helped.with_collaborator(person(5), member(100 + n), Some(mark)).unwrap();
        helped.records.extend(changed);
    }
    let refused = helped.with_collaborator(person(5), member(99), Some(mark));
    assert!(matches!(refused, Err(CustomerError::LimitReached(_))));
    let edit = CollaboratorMark { access: CollaboratorAccess::Edit, ..mark };
    assert!(helped.with_collaborator(person(5), member(100), Some(edit)).is_ok(), "who is there already");
    assert!(helped.with_collaborator(person(5), member(100), None).is_ok());
}

/// Something that happens to customers 1 to 4: a decision about one under any clock, or the end of all
/// merges but those of a chain, so that each of them is one person with those before it.
#[derive(Debug, Clone)]
enum OwnershipStep {
    Decide(u128, Option<u128>, i64),
    Merge(u128),
}

fn steps() -> impl Strategy<Value = Vec<OwnershipStep>> {
    let decide = (1..5u128, prop::option::of(1..4u128), -5..5i64).prop_map(|(a, b, c)| OwnershipStep::Decide(a, b, c));
    prop::collection::vec(prop_oneof![4 => decide, 1 => (0..5u128).prop_map(OwnershipStep::Merge)], 0..40)
}

proptest! {
    /// Whatever the clocks show, and however often persons are merged and taken apart: the last decision
    /// about a person stands under their first identity, and members hold as many as the records say.
    #[test]
    fn the_last_decision_counts_and_what_members_hold_is_what_records_say(steps in steps()) {
        let (mut records, mut held, mut chain) = (Records::new(), BTreeMap::<MemberId, i64>::new(), 0);
        // The model: of each identity the number of the last decision under it, and the owner.
        let mut last = BTreeMap::<u128, (usize, Option<u128>)>::new();
        for (number, step) in steps.into_iter().enumerate() {
            let group = |of: u128, chain: u128| if of <= chain { 1..=chain } else { of..=of };
            match step {
                OwnershipStep::Merge(of) => chain = of,
                OwnershipStep::Decide(whom, owner, ms) => {
                    let of_group = group(whom, chain);
                    let of_them = |(one, record): (&PersonId, &CustomerRecord)| (*one, record.clone());
                    let is_theirs = |one: &PersonId| of_group.clone().any(|n| person(n) == *one);
                    let known = KnownCustomer {
                        identities: of_group.clone().map(|n| (person(n), visited(&[(1, 1)]))).collect(),
                        records: records.iter().filter(|(one, _)| is_theirs(one)).map(of_them).collect(),
                        directory: directory(&[]),
                        ..KnownCustomer::default()
                    };
                    let made = (OwnershipReason::Assigned, now().plus_millis(ms));
                    let (decision, changed) = known.with_owner(person(whom), owner.map(member), None, made);
                    for (member, by) in known.holding_changes(&changed) {
                        *held.entry(member).or_default() += by;
                    }
                    prop_assert!(known.ownership().is_none_or(|before| before.at < decision.at));
                    records.extend(changed);
                    of_group.clone().for_each(|n| _ = last.remove(&n));
                    last.insert(*of_group.start(), (number, owner));
                }
            }
            let under = records.iter().filter_map(|(one, record)| Some((*one, record.ownership?.owner)));
            let expected: BTreeMap<_, _> = last.iter().map(|(n, (_, owner))| (person(*n), owner.map(member))).collect();
            prop_assert_eq!(under.collect::<BTreeMap<_, _>>(), expected);
            held.retain(|_, count| *count != 0);
            let mut counted = BTreeMap::<MemberId, i64>::new();
            last.values().filter_map(|(_, owner)| *owner).for_each(|owner| *counted.entry(member(owner)).or_default() += 1);
            prop_assert_eq!(&held, &counted);
        }
    }
}

#[test]
fn whoever_has_left_leaves_whom_they_would_own_still() {
    let leaver = |n| Leaver { member: member(n), card: Some(card(n)) };
    let left = |known: &KnownCustomer| (known.is_left_by(leaver(1)), known.former_owner());
    for gone in [&[][..], &[1]] {
        let former = gone.first().map(|n| member(*n));
        assert_eq!(left(&known(&[(1, 1), (2, 3)], gone)), (true, former), "the directory does not matter");
        let assigned = decided(known(&[(2, 1)], gone), Some(1), OwnershipReason::Assigned);
        assert_eq!(left(&assigned), (true, former));
        assert_eq!(left(&known(&[(2, 1), (1, 3)], gone)), (false, None), "a colleague's");
        let claimed = decided(known(&[(1, 1)], gone), Some(3), OwnershipReason::Claimed);
        assert_eq!(left(&claimed), (false, None), "whoever has decided since");
        assert_eq!(left(&decided(known(&[(1, 1)], gone), None, OwnershipReason::Returned)), (false, None));
    }
    let after_another = known(&[(2, 1), (1, 3)], &[1, 2]);
    assert!(after_another.is_left_by(leaver(1)) && after_another.is_left_by(leaver(2)));
    assert!(known(&[(77, 1)], &[]).is_left_by(Leaver { member: member(50), card: Some(card(77)) }), "a new card");
}
