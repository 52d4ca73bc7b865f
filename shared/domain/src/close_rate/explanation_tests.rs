use proptest::prelude::*;

use super::*;
use crate::close_rate::evidence::{Evidence, FEATURES};

fn day(number: i32) -> Day {
    Day::from_number(number)
}

fn features(explanation: &RateExplanation) -> Vec<(Feature, u16)> {
    let named = |part: &ExplanationPart| match part.reason {
        ExplanationReason::Evidence { feature, .. } => Some((feature, part.points)),
        ExplanationReason::Deal | ExplanationReason::Manual | ExplanationReason::Base => None,
    };
    explanation.parts.iter().filter_map(named).collect()
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_rate_exactly(
        sights in prop::collection::vec((0..FEATURES, 20_000i32..20_120), 0..60),
        intercept in -12_000i32..12_000,
        coefficients in prop::array::uniform10(0u32..5_000),
        later in 0i32..200,
        manual in prop::option::of(0u64..=100),
        closed: bool,
    ) {
        let mut evidence = Evidence::default();
        for (feature, at) in sights {
            evidence.see(Feature::ALL[feature], day(at));
        }
        let (model, decayed) = (Model::new(intercept, coefficients), evidence.on(day(20_120 + later)));
        let manual = manual.map(|percent| Rate::from_percent(percent).unwrap());
        let explanation = RateExplanation::of(&model, &decayed, manual, closed);
        prop_assert_eq!(explanation.parts.iter().map(|part| part.points).sum::<u16>(), explanation.rate.basis_points());
        prop_assert_eq!(explanation.rate, effective(closed, manual, model.rate(&decayed)).0);
        if explanation.source == Source::Model {
            prop_assert!(explanation.parts.iter().all(|part| part.points > 0), "no line of zero");
            let seen = Feature::ALL.iter().filter(|feature| decayed.newest(**feature).is_some()).count();
            prop_assert!(explanation.parts.len() <= 1 + seen);
        }
    }

    #[test]
    fn no_share_is_more_than_a_point_off(points in 0u16..=10_000, weights in prop::collection::vec(0u64..1 << 50, 1..10)) {
        let shares = share_out(points, &weights);
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        prop_assume!(total > 0);
        prop_assert_eq!(shares.iter().sum::<u16>(), points);
        for (share, weight) in shares.iter().zip(&weights) {
            let down = u128::from(points) * u128::from(*weight) / total;
            prop_assert!((down..=down + 1).contains(&u128::from(*share)));
        }
    }
}

#[test]
fn an_explanation_names_what_was_done_when_and_what_it_is_worth() {
    let mut evidence = Evidence::default();
    let today: Day = "2026-11-21".parse().unwrap();
    evidence.see(Feature::Chat, today);
    evidence.see(Feature::ViewCard, today);
    evidence.see(Feature::ViewCard, today);
    evidence.see(Feature::Forward, today.plus(-14));
    let model = Model::new(-3_892, [150, 300, 150, 250, 400, 300, 600, 900, 800, 1_500]);
    let explanation = RateExplanation::of(&model, &evidence.on(today), None, false);
    // e^(-3.892 + 0.8 + 1.5 × 0.15 + 0.5 × 0.4) = e^-2.667, so 6.49 %.
    assert_eq!(explanation.rate.basis_points(), 649);
    assert_eq!(explanation.parts[0], ExplanationPart { reason: ExplanationReason::Base, points: 200 });
    assert_eq!(features(&explanation), [(Feature::Chat, 293), (Feature::ViewCard, 83), (Feature::Forward, 73)]);
    let ExplanationReason::Evidence { amount, coefficient, newest, .. } = explanation.parts[3].reason else {
        panic!("not evidence")
    };
    assert!((amount - 0.5).abs() < 1e-5);
    assert_eq!((coefficient, newest), (400, today.plus(-14)));
}

#[test]
fn what_the_model_gives_no_worth_has_no_line() {
    let mut evidence = Evidence::default();
    let today: Day = "2026-11-21".parse().unwrap();
    evidence.see(Feature::Chat, today);
    evidence.see(Feature::Forward, today);
    let model = Model::new(-3_000, [0, 0, 0, 0, 0, 0, 0, 0, 800, 0]);
    let explanation = RateExplanation::of(&model, &evidence.on(today), None, false);
    assert_eq!(features(&explanation).iter().map(|(feature, _)| *feature).collect::<Vec<_>>(), [Feature::Chat]);
}
