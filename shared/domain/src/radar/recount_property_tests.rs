use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::crm::follow_up::FollowUpLog;
use crate::crm::follow_up::FollowUpPlace;
use crate::crm::identities::Customer;
use crate::crm::identity_group::MergeEdge;
use crate::crm::merge::{Merge, MergeReason, groups};
use crate::kernel::id::{Id, MergeId};
use crate::kernel::timestamp::DAY_MS;
use crate::radar::aggregate::SegmentKey;
use crate::radar::recount_tests::{RecordedVisit, card, event, now, path_of, visits};
use crate::radar::seen_days::DAYS_MAX;
use crate::tracking::batch::BatchId;
use crate::tracking::event::EventKind;

fn person(n: u8) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn segment((by, event): &RecordedVisit) -> Segment {
    let key = SegmentKey { card: event.card, batch: BatchId::from_uuid(Uuid::nil()), person: person(*by) };
    Segment {
        key,
        fingerprint: String::new(),
        received_at: now(),
        anonymous: false,
        rules: 1,
        departments: path_of(event),
        events: vec![event.clone()],
    }
}

/// What was written event by event and merge by merge.
#[derive(Debug, Default)]
struct Written {
    customers: BTreeMap<PersonId, Customer>,
    counters: CounterDeltas,
    merges: Vec<Merge>,
}

impl Written {
    fn visit(&mut self, segment: &Segment) {
        let plan = crate::radar::aggregate::plan(std::slice::from_ref(segment), &self.customers);
        assert!(plan.refused.is_empty());
        self.customers.extend(plan.customers);
        self.counters.add_all(&plan.deltas);
        self.counters.add_all(&plan.later);
    }

    fn merge(&mut self, (a, b): (u8, u8)) {
        let edge = MergeEdge {
            merge: MergeId::from_uuid(Uuid::from_u128(self.merges.len() as u128)),
            a: person(a),
            b: person(b),
        };
        let merge = Merge { edge, reason: MergeReason::Phone, at: now(), undone: None };
        if let Ok(done) = merge.plan(&self.customers) {
            self.customers.extend(done.customers);
            self.counters.add_all(&done.deltas);
            self.merges.push(merge);
        }
    }
}

fn recounted(visits: &[RecordedVisit], merges: &[Merge]) -> Recount {
    let mut recount = Recount::default();
    visits.iter().for_each(|visit| recount.add(&segment(visit)));
    recount.unite(&groups(merges));
    recount
}

fn corrections(recount: &Recount, stored: &CounterDeltas) -> BTreeMap<(Scope, Period), Counts> {
    let mut found = BTreeMap::new();
    let scopes: BTreeSet<_> = recount.scopes().into_iter().chain(stored.periods().map(|(scope, _)| scope)).collect();
    for scope in scopes {
        let (expected, stored): (_, BTreeMap<_, _>) = (recount.counters(scope).unwrap(), stored.of(scope).collect());
        let none = Counts::new();
        for period in expected.keys().chain(stored.keys()) {
            let [expected, stored] = [&expected, &stored].map(|counts| counts.get(period).unwrap_or(&none));
            let correction = correction(expected, stored);
            if !correction.is_empty() {
                found.insert((scope, *period), correction);
            }
        }
    }
    found
}

proptest! {
    /// Visits and merges in any order of time, recounted in another: every counter and
    /// every state is the one that was written.
    #[test]
    fn a_recount_is_what_was_counted(
        (visits, shuffled) in visits().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        merges in prop::collection::vec((0u8..4, 0u8..4), 0..4),
    ) {
        let mut written = Written::default();
        for (n, visit) in visits.iter().enumerate() {
            written.visit(&segment(visit));
            if let Some(merge) = merges.get(n / 5).filter(|_| n % 5 == 0) {
                written.merge(*merge);
            }
        }
        let recount = recounted(&shuffled, &written.merges);
        prop_assert_eq!(corrections(&recount, &written.counters), BTreeMap::new());
        prop_assert_eq!(recount.events(), visits.len() as u64);
        for (person, customer) in &written.customers {
            prop_assert_eq!(recount.customer(*person), Some(customer.state.clone()));
        }
    }

    /// Whatever is changed in the stored counters is found, and adding the correction
    /// makes them right again.
    #[test]
    fn what_is_wrong_is_found_and_the_correction_repairs_it(
        visits in visits(),
        scope in prop::sample::select(vec![Scope::Company, Scope::Card(card(1)), Scope::Card(card(7))]),
        day in prop::option::of(20_700i32..20_800),
        counter in prop::sample::select(vec![
            Counter::Events(EventKind::ViewCard), Counter::People(Audience::Visitors), Counter::Gap(Audience::ChatStarters, 29),
            Counter::Newcomers(Audience::Visitors), Counter::Saves, Counter::Likes, Counter::DwellMs, Counter::Hour(23),
        ]),
        by in prop_oneof![-5i64..0, 1i64..1_000],
    ) {
        let mut stored = Written::default();
        visits.iter().for_each(|visit| stored.visit(&segment(visit)));
        let period = day.map_or(Period::Lifetime, |day| Period::Day(Day::from_number(day)));
        stored.counters.add(scope, period, counter, by);
        let recount = recounted(&visits, &[]);
        let found = corrections(&recount, &stored.counters);
        prop_assert_eq!(&found, &BTreeMap::from([((scope, period), Counts::from([(counter, -by)]))]));
        for ((scope, period), counts) in found {
            counts.into_iter().for_each(|(counter, by)| stored.counters.add(scope, period, counter, by));
        }
        prop_assert_eq!(corrections(&recount, &stored.counters), BTreeMap::new());
    }
}

#[test]
fn what_still_waits_to_be_counted_is_not_missed() {
    let visits = [(1, event(EventKind::ViewCard, card(1), now()))];
    let mut recount = recounted(&visits, &[]);
    let (mut stored, mut waiting) = (CounterDeltas::default(), CounterDeltas::default());
    for (scope, period, counts) in recount.counters.changes() {
        let part = if period == Period::Lifetime { &mut waiting } else { &mut stored };
        counts.into_iter().for_each(|(counter, by)| part.add(scope, period, counter, by));
    }
    assert_eq!(corrections(&recount, &stored).len(), recount.scopes().len());
    recount.defer(&waiting);
    assert_eq!(corrections(&recount, &stored), BTreeMap::new());
}

#[test]
fn what_the_log_does_not_know_is_left_alone() {
    let stored = Counts::from([(Counter::SalesFen, -5), (Counter::Orders, 1)]);
    assert_eq!(correction(&Counts::new(), &stored), Counts::new());
}

#[test]
fn follow_ups_are_what_the_records_show() {
    let (mut recount, mut log) = (Recount::default(), FollowUpLog::default());
    let place = FollowUpPlace { card: Some(card(1)), ..FollowUpPlace::default() };
    log.add(now(), &place).unwrap();
    log.add(now().plus_millis(1), &FollowUpPlace::default()).unwrap();
    let record = CustomerRecord { follow_ups: log, ..CustomerRecord::default() };
    recount.add_record(person(1), &record);
    let expected = |scope| recount.counters(scope).unwrap()[&Period::Lifetime][&Counter::FollowUps];
    assert_eq!((expected(Scope::Card(card(1))), expected(Scope::Company)), (1, 2));
    let stored = Counts::from([(Counter::FollowUps, 5)]);
    let right = &recount.counters(Scope::Company).unwrap()[&Period::Lifetime];
    assert_eq!(correction(right, &stored), Counts::from([(Counter::FollowUps, -3)]));
}

#[test]
fn a_person_seen_on_more_days_than_are_remembered_is_right_in_order_and_unknown_otherwise() {
    let day = |n: usize| now().plus_millis(i64::try_from(n).unwrap() * DAY_MS - 2_000 * DAY_MS);
    let mut visits: Vec<RecordedVisit> =
        (0..DAYS_MAX + 2).map(|n| (1, event(EventKind::ViewCard, card(1), day(n)))).collect();
    visits.push((2, event(EventKind::ViewCard, card(2), now())));
    let mut written = Written::default();
    visits.iter().for_each(|visit| written.visit(&segment(visit)));
    assert_eq!(corrections(&recounted(&visits, &[]), &written.counters), BTreeMap::new());
    visits.rotate_left(1);
    let recount = recounted(&visits, &[]);
    assert!(recount.counters(Scope::Company).is_none() && recount.counters(Scope::Card(card(1))).is_none());
    assert!(recount.customer(person(1)).is_none() && recount.counters(Scope::Card(card(2))).is_some());
}

#[test]
fn a_report_sums_up_and_keeps_what_was_most_wrong() {
    let mut report = RecountReport::begun(now(), true);
    for n in 1..=300 {
        let correction = Counts::from([(Counter::Events(EventKind::ViewCard), -n), (Counter::Likes, 1)]);
        report.compared(Scope::Company, Period::Lifetime, &Counts::new(), &correction);
    }
    let report = report.ended();
    assert_eq!(report.drift[&Measure::Views], Drift { counters: 300, amount: 45_150 });
    assert_eq!((report.wrong(), report.compared, report.findings.len()), (600, 300, FINDINGS_MAX));
    assert_eq!(report.findings[0].expected, -300);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<RecountReport>(&text).unwrap(), report);
}
