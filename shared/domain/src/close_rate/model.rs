//! The close rate (成交率): how likely a customer is to close a deal.
//!
//! The model is one line: `odds = e^intercept × e^(Σ coefficient × evidence)`; a company's own
//! may have a rising [`Curve`] on top. No coefficient is negative: a customer's action never
//! lowers their rate, only time does.
//!
//! Evidence fades by a factor that is the same for everybody. So while nobody does anything, the
//! customers keep their order, and [`Model::rank`] needs no rewriting. Two things do change the
//! order: another model, and rates that do not fade (set by hand, closed) beside rates that do.

use serde::{Deserialize, Serialize};

use crate::close_rate::curve::{Curve, logistic};
use crate::close_rate::evidence::{DecayedEvidence, FEATURES, Feature, HALF_LIFE_DAYS, PHASE_ONE, float};
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::string_enum::string_enum;

/// A close rate in basis points, 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub struct Rate(u16);

impl Rate {
    /// 100 %: a customer with a closed deal.
    pub const CLOSED: Self = Self(10_000);
    /// The most the model gives: only a deal is certain.
    pub const MODEL_MAX: Self = Self(9_999);

    /// The rate that a member sets by hand.
    ///
    /// # Errors
    /// `out_of_range` above 100.
    pub fn from_percent(percent: u64) -> Result<Self, FieldError> {
        u16::try_from(percent)
            .ok()
            .filter(|percent| *percent <= 100)
            .map(|percent| Self(percent * 100))
            .ok_or_else(|| FieldError::new("out_of_range", "成交率应为 0 到 100 的整数"))
    }

    /// A share of a whole, to the nearest hundredth of a percent.
    pub fn of_share(share: f64) -> Self {
        if share >= 1.0 { Self::CLOSED } else { Self::of_probability(share) }
    }

    /// The rate nearest to a probability, at most [`Rate::MODEL_MAX`].
    pub(crate) fn of_probability(probability: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=10,000 first")]
        let points = (probability * 10_000.0).round().clamp(0.0, 10_000.0) as u16;
        Self(points).min(Self::MODEL_MAX)
    }

    /// Hundredths of a percent.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// Percent, with two decimals at most.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl TryFrom<u16> for Rate {
    type Error = &'static str;

    fn try_from(points: u16) -> Result<Self, Self::Error> {
        if points <= 10_000 { Ok(Self(points)) } else { Err("a rate is at most 10000 basis points") }
    }
}

string_enum! {
    /// A band of the funnel: four that do not overlap.
    Band, "unknown_band", "未知的漏斗区间" {
        /// From 0 to below 50 %.
        Below50 = "below_50",
        /// From 50 to below 80 %.
        Below80 = "below_80",
        /// From 80 to below 99 %.
        Below99 = "below_99",
        /// From 99 %.
        Below100 = "below_100",
    }
}

impl Band {
    /// The band of a customer without a closed deal; those with one stand beside the
    /// funnel. A rate of 100 % set by hand is a hope, not a deal: it is in the last band.
    pub fn of(rate: Rate) -> Self {
        match rate.0 {
            ..5_000 => Self::Below50,
            5_000..8_000 => Self::Below80,
            8_000..9_900 => Self::Below99,
            9_900.. => Self::Below100,
        }
    }
}

string_enum! {
    /// Where a customer's rate comes from.
    Source, "unknown_source", "未知的成交率来源" {
        /// They have a closed deal.
        Deal = "deal",
        /// A member has set it.
        Manual = "manual",
        /// The model computes it.
        Model = "model",
    }
}

/// The rate that is shown: a deal goes before a rate set by hand, and that before the model's.
pub fn effective(closed: bool, manual: Option<Rate>, model: Rate) -> (Rate, Source) {
    match manual {
        _ if closed => (Rate::CLOSED, Source::Deal),
        Some(rate) => (rate, Source::Manual),
        None => (model, Source::Model),
    }
}

string_enum! {
    /// Where a model comes from.
    Origin, "unknown_origin", "未知的成交率模型" {
        /// Every company starts with it.
        Default = "default",
        /// It was fitted to the company's own deals.
        Own = "own",
    }
}

/// The largest coefficient, in thousandths: keeps every score below 2^53.
pub(crate) const COEFFICIENT_MAX: u32 = 50_000;

/// What evidence is worth, in thousandths of a logit (the logarithm of the odds).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    #[serde(rename = "i")]
    intercept: i32,
    /// By [`Feature::index`]; a feature that is younger than the stored model has none.
    #[serde(rename = "c")]
    coefficients: Vec<u32>,
    /// What a company's own model is corrected by.
    #[serde(rename = "k", default, skip_serializing_if = "Curve::is_identity")]
    curve: Curve,
}

impl Model {
    /// A model of these thousandths of logits, held below what could overflow.
    pub fn new(intercept: i32, coefficients: [u32; FEATURES]) -> Self {
        let coefficients = coefficients.map(|value| value.min(COEFFICIENT_MAX)).to_vec();
        Self { intercept, coefficients, curve: Curve::default() }
    }

    /// The same model, corrected by a curve.
    pub(crate) fn with_curve(self, curve: Curve) -> Self {
        Self { curve, ..self }
    }

    /// Whether a curve corrects what the coefficients give.
    pub fn is_corrected(&self) -> bool {
        !self.curve.is_identity()
    }

    /// The logit of a customer without evidence, in thousandths, before the curve corrects it.
    pub fn intercept(&self) -> i32 {
        self.intercept
    }

    /// The amount that one event of today adds to the logit, in thousandths.
    pub fn coefficient(&self, feature: Feature) -> u32 {
        self.coefficients.get(feature.index()).copied().unwrap_or(0).min(COEFFICIENT_MAX)
    }

    /// The rate of a customer without evidence.
    pub fn base(&self) -> Rate {
        Rate::of_probability(logistic(self.curve.apply(f64::from(self.intercept) / 1_000.0)))
    }

    /// The rate that the evidence gives.
    pub fn rate(&self, evidence: &DecayedEvidence) -> Rate {
        self.rate_of(self.rank(evidence), evidence.today())
    }

    /// The rate of the customer with this rank at the end of a day; `None` has no evidence. So a
    /// list of ranks shows the same rate as the customer's own explanation.
    pub fn rate_of(&self, rank: Option<Rank>, today: Day) -> Rate {
        Rate::of_probability(logistic(self.curve.apply(self.logit_of(rank, today))))
    }

    /// The rate before rounding.
    pub fn probability(&self, evidence: &DecayedEvidence) -> f64 {
        logistic(self.curve.apply(self.logit(evidence)))
    }

    /// The logit before the curve corrects it.
    pub(crate) fn logit(&self, evidence: &DecayedEvidence) -> f64 {
        self.logit_of(self.rank(evidence), evidence.today())
    }

    fn logit_of(&self, rank: Option<Rank>, today: Day) -> f64 {
        let faded = |Rank(place): Rank| place_of(place) - f64::from(today.number()) / f64::from(HALF_LIFE_DAYS);
        let decayed = rank.map_or(0.0, |rank| faded(rank).exp2() / PHASE_ONE);
        (f64::from(self.intercept) + decayed) / 1_000.0
    }

    /// Orders customers by this model's rate, whatever the day: of two that left out no day, the
    /// one with the higher rank never has the lower rate. `None`, below all others, without
    /// evidence that counts.
    pub fn rank(&self, evidence: &DecayedEvidence) -> Option<Rank> {
        let score = self.score(evidence);
        #[expect(clippy::cast_possible_truncation, reason = "less than 2^12 half-lives, so less than 2^44")]
        let place = ((float(score).log2() + f64::from(evidence.block())) * RANKS_PER_HALF_LIFE) as i64;
        (score > 0).then_some(Rank(place))
    }

    /// The weighted evidence, exact: a sum in thousandths.
    fn score(&self, evidence: &DecayedEvidence) -> u64 {
        Feature::ALL.iter().map(|feature| self.weighted(*feature, evidence)).sum()
    }

    /// A feature's part of the score.
    pub(crate) fn weighted(&self, feature: Feature, evidence: &DecayedEvidence) -> u64 {
        u64::from(self.coefficient(feature)) * evidence.sum(feature)
    }
}

const RANKS_PER_HALF_LIFE: f64 = 4_294_967_296.0;

/// A place in half-lives.
fn place_of(place: i64) -> f64 {
    // Exact: below 2^44.
    place as f64 / RANKS_PER_HALF_LIFE
}

/// A customer's place among all customers of one model; higher is more likely.
///
/// The logarithm of the evidence at its own time, which fading does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rank(i64);

impl Rank {
    /// As a number that sorts like the rank; never negative, below 2^44.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The rank of this number.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
