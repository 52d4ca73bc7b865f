//! The explanation of a close rate: the reasons, in points that add up to it exactly.
//!
//! The points above the base are shared out in proportion to coefficient × evidence. Each feature
//! gets what it adds along the way from no evidence to all of it. The rate goes down the same way
//! when the customer does nothing more. What the model gives no worth has no line.

use crate::close_rate::evidence::{DecayedEvidence, Feature};
use crate::close_rate::model::{Model, Rate, Source, effective};
use crate::kernel::day::Day;

/// Why a rate is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RateExplanation {
    /// The rate that is shown.
    pub rate: Rate,
    /// Where it comes from.
    pub source: Source,
    /// The reasons; their points add up to the rate. The base comes first, then the largest.
    pub parts: Vec<ExplanationPart>,
}

/// One line of an explanation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExplanationPart {
    /// What it is for.
    pub reason: ExplanationReason,
    /// Its share of the rate, in basis points.
    pub points: u16,
}

/// What a part of a rate is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ExplanationReason {
    /// A closed deal.
    Deal,
    /// A member has set the rate.
    Manual,
    /// The rate of a customer without evidence.
    Base,
    /// What the customer did.
    Evidence {
        /// Which kind of events.
        feature: Feature,
        /// How much of it is left: one event of today is 1.
        amount: f64,
        /// The amount that one event of today adds to the logit, in thousandths.
        coefficient: u32,
        /// The newest day with such an event.
        newest: Day,
    },
}

impl RateExplanation {
    /// The explanation of the rate that is shown for a customer.
    pub fn of(model: &Model, evidence: &DecayedEvidence, manual: Option<Rate>, closed: bool) -> Self {
        let (rate, source) = effective(closed, manual, model.rate(evidence));
        let whole = |reason| vec![ExplanationPart { reason, points: rate.basis_points() }];
        let parts = match source {
            Source::Deal => whole(ExplanationReason::Deal),
            Source::Manual => whole(ExplanationReason::Manual),
            Source::Model => model_parts(model, evidence, rate),
        };
        Self { rate, source, parts }
    }
}

impl ExplanationReason {
    /// The reason in Chinese.
    pub fn text(self) -> String {
        match self {
            Self::Deal => "已成交".to_owned(),
            Self::Manual => "人工设置".to_owned(),
            Self::Base => "基础成交率".to_owned(),
            Self::Evidence { feature, newest, .. } => format!("{}，最近一次 {newest}", feature.label()),
        }
    }
}

fn model_parts(model: &Model, evidence: &DecayedEvidence, rate: Rate) -> Vec<ExplanationPart> {
    let worth = Feature::ALL.iter().filter(|feature| model.weighted(**feature, evidence) > 0);
    let seen: Vec<(Feature, Day)> = worth.filter_map(|feature| Some((*feature, evidence.newest(*feature)?))).collect();
    let weights: Vec<u64> = seen.iter().map(|(feature, _)| model.weighted(*feature, evidence)).collect();
    // The same arithmetic gives both, so more evidence never gives less than the base.
    let base = model.base().basis_points();
    let shares = share_out(rate.basis_points().saturating_sub(base), &weights);
    let mut parts: Vec<ExplanationPart> = seen
        .iter()
        .zip(shares)
        .map(|((feature, newest), points)| {
            let (amount, coefficient) = (evidence.amount(*feature), model.coefficient(*feature));
            ExplanationPart {
                reason: ExplanationReason::Evidence { feature: *feature, amount, coefficient, newest: *newest },
                points,
            }
        })
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.points));
    parts.insert(0, ExplanationPart { reason: ExplanationReason::Base, points: base });
    parts.retain(|part| part.points > 0);
    parts
}

/// Shares out whole points in proportion to weights: rounded down, then one more for
/// the largest remainders, the first of equals before the others.
fn share_out(points: u16, weights: &[u64]) -> Vec<u16> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &u64| u128::from(points) * u128::from(*weight);
    let mut shares: Vec<u16> =
        weights.iter().map(|weight| u16::try_from(exact(weight) / total).unwrap_or(points)).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|place| std::cmp::Reverse(exact(&weights[*place]) % total));
    let missing = usize::from(points - shares.iter().sum::<u16>());
    for place in by_remainder.into_iter().take(missing) {
        shares[place] += 1;
    }
    shares
}

#[cfg(test)]
#[path = "explanation_tests.rs"]
mod tests;
