use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::company::department::DepartmentPath;
use crate::crm::customer::{CustomerState, SentBy};
use crate::kernel::id::Id;
use crate::kernel::timestamp::DAY_MS;
use crate::radar::aggregate::SegmentKey;
use crate::radar::recount_tests::{RecordedVisit, card, event, now, visits};
use crate::tracking::batch::BatchId;
use crate::tracking::filter_reason::FilterReason;

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
        departments: DepartmentPath::default(),
        events: vec![event.clone()],
    }
}

fn histories<'a>(visits: impl IntoIterator<Item = &'a RecordedVisit>) -> Histories {
    let mut histories = Histories::default();
    visits.into_iter().for_each(|visit| histories.add(&segment(visit)));
    histories
}

fn parts_of(sample: Option<Sample>) -> Option<(PersonId, bool, crate::close_rate::evidence::DecayedEvidence)> {
    sample.map(|sample| (sample.customer, sample.closed, sample.evidence))
}

proptest! {
    /// Whatever came in between, late or under another identity: the sample is what the
    /// customer's page would have shown on the last day they were there until then.
    #[test]
    fn a_sample_is_the_customers_state_of_that_day(mut visits in visits(), ago in 0i32..40, seed: u64) {
        let today = Day::of(now());
        let identities: BTreeSet<_> = [1, 2].map(person).into();
        let histories_in_order = histories(&visits);
        for closed_on in [None, Some(today.plus(-ago))] {
            let until = closed_on.map_or(today, |day| day.plus(-1));
            let mut seen: Vec<_> =
                visits.iter().filter(|(by, event)| [1, 2].contains(by) && Day::of(event.at) <= until).collect();
            seen.sort_by_key(|(_, event)| event.at);
            let mut parts = BTreeMap::<u8, CustomerState>::new();
            for (by, event) in seen {
                parts.entry(*by).or_default().apply(SentBy::LoggedIn, std::slice::from_ref(event), &DepartmentPath::default()).unwrap();
            }
            let state = CustomerState::union(parts.values());
            let sample = parts_of(histories_in_order.sample(&identities, closed_on, today));
            match sample.clone() {
                Some((customer, closed, decayed)) => {
                    prop_assert_eq!((customer, closed), (person(1), closed_on.is_some()));
                    let evidence = state.evidence();
                    let last = Feature::ALL.iter().filter_map(|f| evidence.on(until).newest(*f)).max();
                    prop_assert_eq!(decayed, evidence.on(last.unwrap_or(until)));
                }
                None => prop_assert!(state.cards.is_empty()),
            }
            visits.sort_by_key(|(by, event)| (u64::from(*by) * 31 + event.at.millis().cast_unsigned()).wrapping_mul(seed | 1));
            prop_assert_eq!(parts_of(histories(&visits).sample(&identities, closed_on, today)), sample);
        }
    }
}

#[test]
fn what_came_with_or_after_a_deal_is_left_out_and_what_is_long_ago_is_not() {
    let at = |days: i64| now().plus_millis(-days * DAY_MS);
    let visits = [
        (1, event(EventKind::GrantPhone, card(1), at(200))),
        (1, event(EventKind::Like, card(1), at(201))),
        (1, event(EventKind::Unlike, card(1), at(150))),
        (1, event(EventKind::OpenChat, card(2), at(150))),
        (1, event(EventKind::Call, card(2), at(3))),
    ];
    let (histories, today, alone) = (histories(&visits), Day::of(now()), BTreeSet::from([person(1)]));
    let amount = |closed_on, feature| {
        let sample = histories.sample(&alone, closed_on, today).unwrap();
        (sample.evidence.amount(feature) * 1_000.0).round() / 1_000.0
    };
    let deal = Some(today.plus(-150));
    assert_eq!(amount(deal, Feature::Chat), 0.0);
    assert_eq!(amount(deal, Feature::Contact), 0.0);
    assert_eq!(amount(deal, Feature::GrantPhone), 1.0, "as fresh as on the day they were there");
    assert!(amount(deal, Feature::Like) > 0.9, "the like was taken back later");
    assert_eq!((amount(None, Feature::Like), amount(None, Feature::GrantPhone)), (0.0, 0.0));
    assert_eq!(amount(None, Feature::Contact), 1.0);
    assert_eq!(amount(Some(today.plus(-300)), Feature::GrantPhone), 0.0, "they came after their deal");
}

#[test]
fn a_person_who_has_done_nothing_that_counts_is_no_sample() {
    let mut own = event(EventKind::ViewCard, card(1), now());
    own.filtered = Some(FilterReason::Own);
    let mut like = event(EventKind::Like, card(1), now());
    like.filtered = Some(FilterReason::Colleague);
    let histories = histories(&[(1, own), (1, like)]);
    assert_eq!(histories.people().count(), 0);
    assert!(histories.sample(&BTreeSet::from([person(1)]), None, Day::of(now())).is_none());
}
