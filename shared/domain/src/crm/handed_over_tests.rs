use uuid::Uuid;

use super::*;
use crate::crm::ownership::CollaboratorAccess;
use crate::kernel::id::Id;

const FROM: u128 = 1;
const TO: u128 = 2;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn member(n: u128) -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(n))
}

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

fn wanted(thing: HandoverThing) -> CustomerMove {
    CustomerMove { thing, from: member(FROM), to: member(TO), by: member(9), now: now() }
}

/// A customer of two identities, whom the leaver owns by the second decision of two, for whom they have
/// planned a follow-up, and whom they help by both identities.
fn known() -> KnownCustomer {
    let owned = |owner, days| {
        let at = now().plus_millis(days);
        Some(Ownership { at, by: None, owner: Some(member(owner)), reason: OwnershipReason::Assigned })
    };
    let seat = |access| CollaboratorMark { at: now(), by: member(9), access };
    let mut known = KnownCustomer::default();
    let plan = NextFollowUp { set_at: now(), at: now().plus_millis(5), by: member(FROM) };
    let first = CustomerRecord {
        version: 3,
        ownership: owned(7, -9),
        next_follow_up: Some(plan),
        collaborators: Collaborators::from([
            (member(FROM), seat(CollaboratorAccess::Edit)),
            (member(5), seat(CollaboratorAccess::View)),
        ]),
        ..CustomerRecord::default()
    };
    let second = CustomerRecord {
        version: 1,
        ownership: owned(FROM, -2),
        collaborators: Collaborators::from([(member(TO), seat(CollaboratorAccess::View))]),
        ..CustomerRecord::default()
    };
    known.records = Records::from([(person(1), first), (person(2), second)]);
    known
}

fn moved(thing: HandoverThing, before: &KnownCustomer) -> (KnownCustomer, HandedOver) {
    let changed = before.with_move(person(2), wanted(thing));
    let note = HandedOver::of(before, &changed, (person(2), false), wanted(thing));
    let mut after = before.clone();
    after.records.extend(changed);
    (after, note)
}

const OF_CUSTOMERS: [HandoverThing; 3] =
    [HandoverThing::Customers, HandoverThing::Collaborations, HandoverThing::FollowUps];

#[test]
fn each_thing_has_one_successor_and_goes_back_to_how_it_stood() {
    let before = known();
    let leaver = Leaver { member: member(FROM), card: None };
    for thing in OF_CUSTOMERS {
        let (after, note) = moved(thing, &before);
        assert!(!after.is_of_leaver(thing, leaver), "{thing:?}");
        let others: Vec<_> = OF_CUSTOMERS.into_iter().filter(|other| *other != thing).collect();
        for other in others {
            assert_eq!(after.is_of_leaver(other, leaver), before.is_of_leaver(other, leaver), "{thing:?} {other:?}");
        }
        let undone = note.undone(&after, member(FROM)).unwrap();
        let mut restored = after;
        restored.records.extend(undone);
        assert_eq!(restored, before, "{thing:?}");
    }
}

#[test]
fn the_successor_owns_plans_and_helps_as_the_leaver_did() {
    let (owned, _) = moved(HandoverThing::Customers, &known());
    let decision = owned.ownership().unwrap();
    assert_eq!(
        (decision.owner, decision.by, decision.reason),
        (Some(member(TO)), Some(member(9)), OwnershipReason::HandedOver)
    );
    let (planned, _) = moved(HandoverThing::FollowUps, &known());
    let plan = planned.next_follow_up().unwrap();
    assert_eq!((plan.by, plan.at, plan.set_at), (member(TO), now().plus_millis(5), now()));
    let (helped, _) = moved(HandoverThing::Collaborations, &known());
    let seats: Vec<_> = helped.collaborators().into_iter().map(|(member, seat)| (member, seat.access)).collect();
    assert_eq!(seats, [(member(TO), CollaboratorAccess::Edit), (member(5), CollaboratorAccess::View)]);
}

#[test]
fn an_owner_takes_no_seat_and_who_may_do_more_keeps_theirs() {
    let (owned, _) = moved(HandoverThing::Customers, &known());
    let (after, _) = moved(HandoverThing::Collaborations, &owned);
    assert_eq!(after.collaborators().get(&member(TO)).map(|seat| seat.access), Some(CollaboratorAccess::View));
    let mut editor = known();
    let mark = CollaboratorMark { at: now(), by: member(9), access: CollaboratorAccess::View };
    editor.records.get_mut(&person(1)).unwrap().collaborators.insert(member(FROM), mark);
    let (after, _) = moved(HandoverThing::Collaborations, &editor);
    assert_eq!(after.collaborators().get(&member(TO)), known().collaborators().get(&member(TO)));
    assert!(!after.collaborators().contains_key(&member(FROM)));
}

#[test]
fn what_somebody_has_changed_since_stays() {
    for thing in OF_CUSTOMERS {
        let (mut after, note) = moved(thing, &known());
        let record = after.records.get_mut(&person(1)).unwrap();
        record.ownership = record.ownership.map(|owned| Ownership { owner: Some(member(4)), ..owned });
        record.next_follow_up = None;
        record.collaborators.remove(&member(TO));
        assert_eq!(note.undone(&after, member(FROM)), None, "{thing:?}");
    }
    // What else is kept of the customer does not matter.
    let (mut after, note) = moved(HandoverThing::Customers, &known());
    after.records.get_mut(&person(1)).unwrap().next_follow_up = None;
    assert!(note.undone(&after, member(FROM)).is_some());
    after.records.get_mut(&person(2)).unwrap().erased_at = Some(now());
    assert_eq!(note.undone(&after, member(FROM)), None, "nothing is kept of them any more");
}
