use proptest::prelude::*;

use super::*;
use crate::close_rate::calibration::Calibration;
use crate::close_rate::evidence::Evidence;
use crate::kernel::day::Day;

fn day(number: i32) -> Day {
    Day::from_number(number)
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop::collection::vec((0..FEATURES, 20_000i32..20_200), 0..40).prop_map(|sights| {
        let mut evidence = Evidence::default();
        for (feature, at) in sights {
            evidence.see(Feature::ALL[feature], day(at));
        }
        evidence
    })
}

/// Any model, half of them with a curve of chance outcomes.
fn model() -> impl Strategy<Value = Model> {
    let outcomes = prop::collection::vec((-5.0f64..5.0, any::<bool>()), 0..200);
    (-9_000i32..9_000, prop::array::uniform10(0u32..4_000), outcomes).prop_map(|(intercept, coefficients, outcomes)| {
        Model::new(intercept, coefficients).with_curve(Curve::fit(outcomes))
    })
}

proptest! {
    /// The promise of forward decay: nobody overtakes anybody while nothing happens.
    #[test]
    fn the_order_of_customers_never_changes_while_nothing_happens(
        model in model(), one in evidence(), other in evidence(), days in prop::collection::vec(20_200i32..24_000, 1..12),
    ) {
        let (a, b) = (one.on(day(20_200)), other.on(day(20_200)));
        let order = model.rank(&a).cmp(&model.rank(&b));
        for later in days {
            let (a, b) = (one.on(day(later)), other.on(day(later)));
            prop_assert_eq!(model.rank(&a).cmp(&model.rank(&b)), order);
            let rates = model.rate(&a).cmp(&model.rate(&b));
            prop_assert!(rates == order || rates.is_eq(), "{:?} {:?} {:?}", order, model.rate(&a), model.rate(&b));
        }
    }

    #[test]
    fn more_evidence_never_lowers_a_rate_and_time_never_raises_it(
        model in model(), mut before in evidence(), feature in 0..FEATURES, later in 0i32..100,
    ) {
        // Otherwise the new day could push out the oldest ones, which have nearly faded.
        before.see(Feature::ViewCard, day(20_199));
        let mut after = before.clone();
        after.see(Feature::ALL[feature], day(20_199));
        let rate = |evidence: &Evidence, at| model.rate(&evidence.on(day(at)));
        prop_assert!(rate(&after, 20_199) >= rate(&before, 20_199));
        prop_assert!(rate(&before, 20_199 + later) <= rate(&before, 20_199));
        prop_assert!(rate(&before, 20_199 + later) >= model.base());
    }

    #[test]
    fn every_rate_has_one_band(points in 0u16..=10_000) {
        let band = match f64::from(points) / 100.0 {
            percent if percent < 50.0 => Band::Below50,
            percent if percent < 80.0 => Band::Below80,
            percent if percent < 99.0 => Band::Below99,
            _ => Band::Below100,
        };
        prop_assert_eq!(Band::of(Rate(points)), band);
    }
}

#[test]
fn a_deal_goes_before_a_rate_set_by_hand_and_that_before_the_models() {
    let (model, manual) = (Rate(1_234), Rate::from_percent(80).unwrap());
    assert_eq!(effective(false, None, model), (model, Source::Model));
    assert_eq!(effective(false, Some(manual), model), (manual, Source::Manual));
    assert_eq!(effective(true, Some(manual), model), (Rate::CLOSED, Source::Deal));
    assert_eq!(effective(false, Some(Rate::from_percent(0).unwrap()), model).0.basis_points(), 0);
}

#[test]
fn a_rate_set_by_hand_is_a_whole_percent_of_at_most_100() {
    assert_eq!(Rate::from_percent(100), Ok(Rate::CLOSED));
    for percent in [101, u64::MAX] {
        assert_eq!(Rate::from_percent(percent).unwrap_err().code, "out_of_range");
    }
    assert!(serde_json::from_str::<Rate>("10001").is_err());
}

#[test]
fn the_default_model_starts_low_and_never_promises_a_deal() {
    let model = Model::default();
    assert!((50..=300).contains(&model.base().basis_points()), "{:?}", model.base());
    assert_eq!(model.rank(&Evidence::default().on(day(20_000))), None);
    let mut evidence = Evidence::default();
    for at in 20_000..20_100 {
        Feature::ALL.iter().for_each(|feature| evidence.see(*feature, day(at)));
    }
    assert_eq!(model.rate(&evidence.on(day(20_100))), Rate::MODEL_MAX);
}

/// Whoever only looks is never almost certain, however long they do it.
#[test]
fn looking_alone_is_never_almost_a_deal() {
    let mut evidence = Evidence::default();
    for at in 20_000..20_100 {
        for feature in [Feature::ViewProduct, Feature::ViewContent, Feature::LongStay] {
            (0..3).for_each(|_| evidence.see(feature, day(at)));
        }
    }
    assert!(model_rate(&evidence).basis_points() < 5_000, "{:?}", model_rate(&evidence));
}

fn model_rate(evidence: &Evidence) -> Rate {
    Model::default().rate(&evidence.on(day(20_100)))
}

#[test]
fn a_rate_is_a_percentage_only_in_a_companys_own_model() {
    let (own, rate) = (Model::new(-3_000, [400; FEATURES]), Rate(1_234));
    assert_eq!((own.calibration(), own.percentage(rate)), (Calibration::Own, Some(rate)));
    assert_eq!((Model::default().calibration(), Model::default().percentage(rate)), (Calibration::Published, None));
}

#[test]
fn a_model_that_is_older_than_a_feature_reads_it_as_worth_nothing() {
    let model: Model = serde_json::from_str(r#"{"i":-3892,"c":[150]}"#).unwrap();
    assert_eq!(model.coefficient(Feature::ViewCard), 150);
    assert_eq!(model.coefficient(Feature::GrantPhone), 0);
}
