//! The calibration curve of a company's own model: what its predictions have to be moved by to
//! come true. It never falls, so it changes no order.
//!
//! The curve is the identity wherever the predictions are as good as chance can show. It only
//! corrects what is surely off, such as a rate that levels out.

use serde::{Deserialize, Serialize};

/// The least information in a bin: the variance of the number of its deals.
const VARIANCE_MIN: f64 = 5.0;
/// A bin that is off by fewer standard errors than this is left alone.
const DOUBT: f64 = 2.0;

/// Points of predicted and true logits, in thousandths; both never fall from one to
/// the next. Straight between them, shifted as the last point beyond; none is the identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Curve(Vec<(i32, i32)>);

/// The probability of a logit.
pub(crate) fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The logit of a probability, finite for 0 and 1 too.
fn logit(probability: f64) -> f64 {
    let inside = probability.clamp(1e-12, 1.0 - 1e-12);
    (inside / (1.0 - inside)).ln()
}

/// Logits as thousandths, within ± 100.
pub(crate) fn thousandths(logits: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped first")]
    let rounded = (logits.clamp(-100.0, 100.0) * 1_000.0).round() as i32;
    rounded
}

impl Curve {
    /// Whether it changes nothing.
    pub(crate) fn is_identity(&self) -> bool {
        self.0.is_empty()
    }

    /// The true logit of a predicted one.
    pub(crate) fn apply(&self, predicted: f64) -> f64 {
        let point = |(x, y): &(i32, i32)| (f64::from(*x) / 1_000.0, f64::from(*y) / 1_000.0);
        let above = self.0.partition_point(|found| point(found).0 <= predicted);
        let below = above.checked_sub(1).and_then(|below| self.0.get(below)).map(point);
        let slope = |(x0, y0): (f64, f64), (x1, y1): (f64, f64)| (y1 - y0) / (x1 - x0);
        match (below, self.0.get(above).map(point)) {
            (None, None) => predicted,
            (None, Some((x, y))) => predicted + (y - x),
            (Some(one), Some(next)) => one.1 + slope(one, next) * (predicted - one.0),
            (Some(last), None) => {
                let before = above.checked_sub(2).and_then(|before| self.0.get(before)).map(point);
                last.1 + before.map_or(1.0, |before| slope(before, last).min(1.0)) * (predicted - last.0)
            }
        }
    }

    /// The curve of predictions (as logits) and outcomes, given in any order.
    pub(crate) fn fit(outcomes: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let mut outcomes: Vec<_> = outcomes.into_iter().collect();
        outcomes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let bins = bins(&outcomes);
        if bins.iter().all(|bin| bin.shift() == 0.0) {
            return Self::default();
        }
        let mut points: Vec<(i32, i32)> =
            bins.iter().map(Bin::centre).zip(rising(&bins)).map(|(x, y)| (thousandths(x), thousandths(y))).collect();
        points.dedup_by_key(|(x, _)| *x);
        Self(points)
    }
}

/// Neighbouring predictions.
#[derive(Default)]
struct Bin {
    customers: f64,
    closed: f64,
    logits: f64,
    probabilities: f64,
    variance: f64,
}

impl Bin {
    fn take(&mut self, logit: f64, closed: bool) {
        let probability = logistic(logit);
        self.customers += 1.0;
        self.closed += f64::from(u8::from(closed));
        self.logits += logit;
        self.probabilities += probability;
        self.variance += probability * (1.0 - probability);
    }

    fn centre(&self) -> f64 {
        self.logits / self.customers
    }

    /// By how many logits its predictions are off; less the doubt, so 0 if that may be chance.
    fn shift(&self) -> f64 {
        let errors = (self.closed - self.probabilities).abs() / self.variance.sqrt();
        let predicted = self.probabilities / self.customers;
        // One more customer, who did as predicted, keeps the share from 0 and 1.
        let share = (self.closed + predicted) / (self.customers + 1.0);
        (logit(share) - logit(predicted)) * (1.0 - (DOUBT / errors).powi(2)).max(0.0)
    }
}

/// Bins of at least [`VARIANCE_MIN`], the lowest first; equal predictions stay together.
fn bins(sorted: &[(f64, bool)]) -> Vec<Bin> {
    let mut bins = vec![Bin::default()];
    let mut left: f64 = sorted.iter().map(|(z, _)| logistic(*z) * (1.0 - logistic(*z))).sum();
    let mut before = f64::NEG_INFINITY;
    for (logit, closed) in sorted {
        if let Some(bin) = bins.last_mut() {
            // The rest must be enough for a bin of its own.
            if bin.variance >= VARIANCE_MIN && left >= VARIANCE_MIN && *logit > before {
                bins.push(Bin::default());
            }
        }
        if let Some(bin) = bins.last_mut() {
            bin.take(*logit, *closed);
        }
        let probability = logistic(*logit);
        left -= probability * (1.0 - probability);
        before = *logit;
    }
    bins.retain(|bin| bin.customers > 0.0);
    bins
}

/// The true logits of the bins, where they fall replaced by the mean of those that fall.
fn rising(bins: &[Bin]) -> Vec<f64> {
    let mut steps: Vec<(f64, f64, usize)> = Vec::new();
    for bin in bins {
        let (mut value, mut weight, mut length) = (bin.centre() + bin.shift(), bin.customers, 1);
        while let Some((before, heavy, long)) = steps.pop_if(|(before, ..)| *before > value) {
            value = (before * heavy + value * weight) / (heavy + weight);
            weight += heavy;
            length += long;
        }
        steps.push((value, weight, length));
    }
    steps.into_iter().flat_map(|(value, _, length)| std::iter::repeat_n(value, length)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `n` predictions of one logit of which `closed` came true.
    fn group(logit: f64, n: u32, closed: u32) -> impl Iterator<Item = (f64, bool)> {
        (0..n).map(move |k| (logit, k < closed))
    }

    #[test]
    fn predictions_that_come_true_are_left_alone() {
        assert!(
            Curve::fit(group(-2.0, 1_000, 119).chain(group(0.0, 100, 47)).chain(group(3.0, 400, 383))).is_identity()
        );
        assert!(Curve::fit([]).is_identity());
    }

    #[test]
    fn a_rate_that_levels_out_is_followed() {
        let curve = Curve::fit(group(-2.0, 1_000, 119).chain(group(1.5, 200, 120)).chain(group(3.0, 300, 180)));
        assert!((curve.apply(-2.0) + 2.0).abs() < 0.01);
        assert!((logistic(curve.apply(1.5)) - 0.6).abs() < 0.04);
        assert!((logistic(curve.apply(3.0)) - 0.6).abs() < 0.04);
    }

    proptest! {
        #[test]
        fn a_curve_never_falls(
            outcomes in prop::collection::vec((-6.0f64..6.0, any::<bool>()), 0..400), a in -12.0f64..12.0, b in -12.0f64..12.0,
        ) {
            let curve = Curve::fit(outcomes);
            prop_assert!(curve.apply(a.min(b)) <= curve.apply(a.max(b)) + 1e-9);
            let stored = serde_json::to_string(&curve).unwrap();
            prop_assert_eq!(serde_json::from_str::<Curve>(&stored).unwrap(), curve);
        }
    }

    #[test]
    fn predictions_beyond_doubt_stay_finite() {
        let curve = Curve::fit(group(-90.0, 50, 25).chain(group(90.0, 50, 25)));
        assert!([-1e9, -90.0, 0.0, 90.0, 1e9].iter().all(|logit| curve.apply(*logit).is_finite()));
        assert!(Curve::fit(group(90.0, 50, 50)).is_identity());
    }
}
