use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::{CardId, Id};
use crate::kernel::timestamp::Timestamp;
use crate::tracking::event::{Object, Target};
use crate::tracking::filter_reason::FilterReason;

fn day(number: i32) -> Day {
    Day::from_number(number)
}

fn of(sights: &[(usize, i32)]) -> Evidence {
    let mut evidence = Evidence::default();
    for (feature, at) in sights {
        evidence.see(Feature::ALL[*feature], day(*at));
    }
    evidence
}

fn sights() -> impl Strategy<Value = Vec<(usize, i32)>> {
    prop::collection::vec((0..FEATURES, 20_000i32..20_200), 0..80)
}

proptest! {
    #[test]
    fn any_order_gives_the_same_state(mut sights in sights(), seed: u64) {
        let evidence = of(&sights);
        sights.sort_by_key(|(feature, at)| (*feature as u64 * 31 + at.cast_unsigned() as u64).wrapping_mul(seed | 1));
        prop_assert_eq!(of(&sights), evidence);
    }

    #[test]
    fn the_parts_of_a_person_together_are_as_if_all_had_come_to_one(sights in sights(), cut in 0usize..80) {
        let (left, right) = sights.split_at(cut.min(sights.len()));
        let (mut one, mut other) = (of(left), of(right));
        let whole = of(&sights);
        let right_alone = other.clone();
        other.add_all(&one);
        one.add_all(&right_alone);
        prop_assert_eq!(&one, &whole);
        prop_assert_eq!(&other, &whole);
    }

    /// Against plain floating-point sums over the events themselves, the newest first.
    #[test]
    fn the_amounts_are_the_faded_counts_of_the_days(sights in sights(), later in 0i32..60) {
        let newest = sights.iter().map(|(_, at)| *at).max().unwrap_or(20_000);
        let today = newest + later;
        let decayed = of(&sights).on(day(today));
        for (index, feature) in Feature::ALL.iter().enumerate() {
            let on = |at: i32| sights.iter().filter(|sight| **sight == (index, at)).count().min(3);
            let faded = (newest - 111..=newest).rev().flat_map(|at| vec![(f64::from(at - today) / 14.0).exp2(); on(at)]);
            let expected: f64 = faded.zip(1u32..).map(|(weight, nth)| weight / f64::from(nth)).sum();
            prop_assert!((decayed.amount(*feature) - expected).abs() < 0.01 * expected + 1e-4, "{:?}: {} {}", feature, decayed.amount(*feature), expected);
            prop_assert_eq!(decayed.newest(*feature), (newest - 111..=newest).rev().find(|at| on(*at) > 0).map(day));
        }
    }

    /// Diminishing returns, and never a loss: wherever one more event comes in, no amount falls.
    #[test]
    fn one_more_event_of_a_kind_counts_less_than_the_one_before(mut sights in sights(), feature in 0..FEATURES, at in 20_089i32..20_200) {
        sights.push((0, 20_199));
        let amount = |sights: &[(usize, i32)]| of(sights).on(day(20_200)).amount(Feature::ALL[feature]);
        let before = amount(&sights);
        sights.push((feature, at));
        let after = amount(&sights);
        prop_assert!(after >= before, "{before} {after}");
        prop_assert!(after - before <= 1.0);
    }

    #[test]
    fn an_earlier_day_reads_as_if_the_later_ones_had_not_been(sights in sights(), today in 20_120i32..20_200) {
        // Within memory of the newest day nothing has been forgotten.
        let sights: Vec<_> = sights.into_iter().filter(|(_, at)| *at >= 20_089).collect();
        let earlier: Vec<_> = sights.iter().copied().filter(|(_, at)| *at <= today).collect();
        prop_assert_eq!(of(&sights).on(day(today)), of(&earlier).on(day(today)));
    }
}

#[test]
fn the_phases_are_the_powers_of_the_half_life() {
    for (n, weight) in (0i32..).zip(PHASES) {
        let exact = (f64::from(n) / f64::from(HALF_LIFE_DAYS)).exp2() * PHASE_ONE;
        assert!((float(weight) - exact).abs() <= 0.5, "{n}");
    }
    assert_eq!(i32::from(REMEMBERED), HALF_LIFE_DAYS * i32::from(HALF_LIVES));
}

#[test]
fn a_day_of_looking_and_weeks_of_it_level_out() {
    let amount = |days: i32| {
        let sights: Vec<_> = (0..days * 5).map(|n| (0, 20_000 - n / 5)).collect();
        of(&sights).on(day(20_000)).amount(Feature::ALL[0])
    };
    assert!((amount(1) - (1.0 + 0.5 + 1.0 / 3.0)).abs() < 0.01);
    assert!(amount(7) < 3.5 && amount(28) < 4.1, "{} {}", amount(7), amount(28));
}

#[test]
fn the_heaviest_user_reaches_no_limit() {
    let mut evidence = Evidence::default();
    for at in 47_000..47_482 {
        for feature in Feature::ALL {
            (0..5).for_each(|_| evidence.see(*feature, day(at)));
        }
    }
    let decayed = evidence.on(day(47_482));
    assert!(Feature::ALL.iter().all(|feature| decayed.sum(*feature) < 1 << 32));
    assert!((3.5..5.0).contains(&decayed.amount(Feature::Chat)));
    let mut bytes = Vec::new();
    evidence.pack(&mut bytes);
    assert!(bytes.len() <= 451);
}

#[test]
fn each_kind_of_event_counts_as_its_feature_and_likes_are_left_to_their_toggle() {
    let at = Timestamp::parse("2026-11-21T23:59:59+08:00").unwrap();
    let event = |kind, duration_ms| Event {
        kind,
        card: CardId::from_uuid(Uuid::from_u128(1)),
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at,
        duration_ms,
        filtered: None,
    };
    let counted: Vec<_> =
        EventKind::ALL.iter().map(|kind| (*kind, Feature::of(&event(*kind, None)).map(Feature::name))).collect();
    let silent: Vec<_> = counted.iter().filter(|(_, feature)| feature.is_none()).map(|(kind, _)| *kind).collect();
    assert_eq!(silent, [EventKind::Like, EventKind::Unlike, EventKind::Dwell]);
    assert_eq!(Feature::of(&event(EventKind::Dwell, Some(LONG_STAY_MS - 1))), None);
    assert_eq!(Feature::of(&event(EventKind::Dwell, Some(LONG_STAY_MS))), Some(Feature::LongStay));

    let mut evidence = Evidence::default();
    evidence.take(&event(EventKind::Like, None));
    assert!(evidence.is_empty());
    evidence.take(&Event { filtered: Some(FilterReason::Bot), ..event(EventKind::Forward, None) });
    assert!(evidence.is_empty());
    evidence.take(&event(EventKind::Forward, None));
    assert_eq!(evidence.on(Day::of(at)).newest(Feature::Forward), Some("2026-11-21".parse().unwrap()));
}

#[test]
fn an_event_halves_every_fourteen_days_over_month_ends_and_the_leap_day() {
    let mut evidence = Evidence::default();
    evidence.see(Feature::Chat, "2028-02-20".parse().unwrap());
    let amount = |today: &str| evidence.on(today.parse().unwrap()).amount(Feature::Chat);
    assert!(evidence.on("2028-02-19".parse().unwrap()).is_empty());
    assert!((amount("2028-02-20") - 1.0).abs() < 1e-5);
    assert!((amount("2028-03-05") - 0.5).abs() < 1e-5);
    assert!((amount("2028-03-19") - 0.25).abs() < 1e-5);
    assert!(amount("2038-02-20") > 0.0);
}
