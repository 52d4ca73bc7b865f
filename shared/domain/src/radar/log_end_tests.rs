use uuid::Uuid;

use super::*;
use crate::company::department::DepartmentPath;
use crate::crm::identities::Customer;
use crate::crm::identity_group::MergeEdge;
use crate::crm::merge::{Merge, MergeReason, groups};
use crate::kernel::id::{Id, MergeId, PersonId};
use crate::radar::aggregate::{Segment, SegmentKey, plan};
use crate::radar::counter::{CounterDeltas, Scope};
use crate::radar::recount::{Recount, correction};
use crate::radar::recount_tests::{card, event, now};
use crate::tracking::batch::BatchId;
use crate::tracking::event::EventKind;

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

/// A visit so many days ago; people below 100 have not logged in.
fn segment(by: u128, days_ago: i32) -> Segment {
    let at = now().plus_millis(-i64::from(days_ago) * DAY_MS);
    let kinds = [EventKind::ViewCard, EventKind::SavePhone, EventKind::OpenChat, EventKind::Forward, EventKind::Dwell];
    Segment {
        key: SegmentKey { card: card(1), batch: BatchId::from_uuid(Uuid::from_u128(1)), person: person(by) },
        fingerprint: String::new(),
        received_at: at,
        anonymous: by < 100,
        rules: 2,
        departments: DepartmentPath::default(),
        events: kinds.map(|kind| event(kind, card(1), at)).to_vec(),
    }
}

/// Old visitors are forgotten in part, one of them has logged in, others came later: no number
/// seems wrong, and one that is wrong is found.
#[test]
fn a_log_that_has_ended_is_no_drift_and_hides_none() {
    let visits = [(1, 500), (1, 498), (2, 401), (3, 399), (4, 450), (5, 381), (101, 450), (102, 450), (102, 3), (6, 2)];
    let segments = visits.map(|(by, days_ago)| segment(by, days_ago));
    let (mut customers, mut counters) = (BTreeMap::<PersonId, Customer>::new(), CounterDeltas::default());
    for segment in &segments {
        let plan = plan(std::slice::from_ref(segment), &customers);
        customers.extend(plan.customers);
        counters.add_all(&plan.deltas);
    }
    // Somebody without a past logs in, and comes again after a year.
    let edge = MergeEdge { merge: MergeId::from_uuid(Uuid::nil()), a: person(103), b: person(4) };
    let merge = Merge { edge, reason: MergeReason::Login, at: now(), undone: None };
    let done = merge.plan(&customers).unwrap();
    customers.extend(done.customers);
    counters.add_all(&done.deltas);
    let late = segment(103, 5);
    let plan = plan(std::slice::from_ref(&late), &customers);
    customers.extend(plan.customers);
    counters.add_all(&plan.deltas);

    let today = Day::of(now());
    let is_kept = |segment: &&Segment| !segment.anonymous || forgotten_at(segment.received_at) > now();
    let mut recount = Recount::default();
    segments.iter().chain([&late]).filter(is_kept).for_each(|segment| recount.add(segment));
    recount.recall(person(4), &customers[&person(4)].state);
    recount.unite(&groups([&merge]));
    for scope in [Scope::Card(card(1)), Scope::Company] {
        let mut stored: BTreeMap<_, _> = counters.of(scope).collect();
        let expected = with_forgotten(recount.counters(scope).unwrap(), &stored, whole_since(today));
        for (period, counts) in &stored {
            assert!(correction(&expected[period], counts).is_empty(), "{scope:?} {period:?}");
        }
        *stored.get_mut(&Period::Lifetime).unwrap().get_mut(&Counter::Saves).unwrap() += 1;
        let expected = with_forgotten(recount.counters(scope).unwrap(), &stored, whole_since(today));
        let found = correction(&expected[&Period::Lifetime], &stored[&Period::Lifetime]);
        assert_eq!(found, Counts::from([(Counter::Saves, -1)]));
    }
}
