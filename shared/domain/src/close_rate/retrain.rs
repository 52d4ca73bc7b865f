//! A company's own model: fitted to its deals, kept only if it is better than chance.
//!
//! Every customer is predicted by a model that has not seen them: the customers are split into
//! [`FOLDS`] parts by their ids, and each part is predicted by a fit to the others. The company
//! gets the fit to all its customers only if these predictions beat the default model's, and the
//! company's mean for everybody, by more than chance does it. No step depends on the order of the
//! customers.

use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

use crate::close_rate::calibration::{BandCheck, brier_loss, by_band};
use crate::close_rate::curve::{Curve, logistic, thousandths};
use crate::close_rate::evidence::{DecayedEvidence, FEATURES, Feature, float};
use crate::close_rate::model::{Model, Rate};
use crate::kernel::day::Day;
use crate::kernel::id::{CompanyId, Id, PersonId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::Timestamp;

/// Fewest closed customers for a company's own model.
pub const CLOSED_MIN: usize = 50;
/// Fewest open customers for a company's own model.
pub const OPEN_MIN: usize = 200;

/// Days from one retraining of a company to the next.
const EVERY_DAYS: i32 = 7;

/// The number of parts the customers are split into.
const FOLDS: usize = 5;
/// By how many standard errors the Brier score must be better than the mean's.
const MARGIN_MEAN: f64 = 3.0;
/// By how many it must be better than the default model's.
const MARGIN_DEFAULT: f64 = 2.0;
/// How firmly each feature is held to its place in the default model.
const SHRINKAGE: f64 = 8.0;
/// How much more freely the default model as a whole is scaled than a single feature.
const FREEDOM: f64 = 4.0;
/// One customer of the company.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The customer.
    pub customer: PersonId,
    /// Whether they have closed a deal.
    pub closed: bool,
    /// Their evidence at the end of the last day they were there; with a deal, of the last day
    /// before it. Events that come with a deal or after it would predict it by themselves.
    pub evidence: DecayedEvidence,
}

string_enum! {
    /// The outcome of a retraining.
    Verdict, "unknown_verdict", "未知的模型校准结果" {
        /// The company has its own model.
        Kept = "kept",
        /// Fewer than [`CLOSED_MIN`] closed customers.
        TooFewClosed = "too_few_closed",
        /// Fewer than [`OPEN_MIN`] open customers.
        TooFewOpen = "too_few_open",
        /// No kind of events goes with more deals.
        NothingHelps = "nothing_helps",
        /// Not better than the company's mean.
        NotBetterThanMean = "not_better_than_mean",
        /// Not better than the default model.
        NotBetterThanDefault = "not_better_than_default",
    }
}

/// Brier scores on customers that the model has not seen, in millionths; less is
/// better, a random guess has 250,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// Of the fitted models.
    #[serde(rename = "refitted")]
    pub own: u32,
    /// Of the default model.
    pub default: u32,
    /// Of the company's mean for everybody.
    pub mean: u32,
}

/// The report of a retraining, for publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrainReport {
    /// The outcome.
    pub verdict: Verdict,
    /// How many customers have closed a deal.
    pub closed: usize,
    /// How many have not.
    pub open: usize,
    /// The comparison, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// Predicted and closed by band, for the model that is in force; for the company's
    /// own by predictions of customers that the model had not seen.
    pub bands: Vec<BandCheck>,
}

impl RetrainReport {
    /// The outcome, in Chinese.
    pub fn text(&self) -> String {
        let reason = match self.verdict {
            Verdict::Kept => return "已采用本企业模型：对未参与校准的客户，预测比默认模型更准".to_owned(),
            Verdict::TooFewClosed => format!("已成交客户 {} 位，满 {CLOSED_MIN} 位后自动校准", self.closed),
            Verdict::TooFewOpen => format!("未成交客户 {} 位，满 {OPEN_MIN} 位后自动校准", self.open),
            Verdict::NothingHelps => "尚未发现与成交有关的行为".to_owned(),
            Verdict::NotBetterThanMean => "按行为预测不比平均成交率更准".to_owned(),
            Verdict::NotBetterThanDefault => "本企业模型不比默认模型更准".to_owned(),
        };
        format!("使用默认模型：{reason}")
    }
}

/// When a company is retrained next, after this time: on the same weekday.
pub fn next_retrain(after: Timestamp) -> Timestamp {
    Day::of(after).plus(EVERY_DAYS).start()
}

/// When a company that had no retraining yet has its first: within a week, not all companies on
/// the same day.
pub fn first_retrain(company: CompanyId, now: Timestamp) -> Timestamp {
    let [.., last] = company.uuid().into_bytes();
    Day::of(now).plus(1 + i32::from(last) % EVERY_DAYS).start()
}

/// Fits a model to a company's customers, and returns the one in force from now on.
pub fn retrain(mut samples: Vec<Sample>) -> (Model, RetrainReport) {
    samples.sort_by_key(|sample| (sample.closed, spread(sample.customer), sample.customer));
    let closed = samples.iter().filter(|sample| sample.closed).count();
    let open = samples.len() - closed;
    let default = Model::default();
    let by_default: Vec<f64> = samples.iter().map(|sample| default.probability(&sample.evidence)).collect();
    let report = |verdict, scores, predicted: &[f64]| {
        let outcome = |(sample, probability): (&Sample, &f64)| (Rate::of_probability(*probability), sample.closed);
        RetrainReport { verdict, closed, open, scores, bands: by_band(samples.iter().zip(predicted).map(outcome)) }
    };
    let refused = |verdict, scores| (Model::default(), report(verdict, scores, &by_default));
    if closed < CLOSED_MIN {
        return refused(Verdict::TooFewClosed, None);
    }
    if open < OPEN_MIN {
        return refused(Verdict::TooFewOpen, None);
    }
    let Some((own, held_out)) = fit(&samples.iter().collect::<Vec<_>>()).zip(held_out(&samples)) else {
        return refused(Verdict::NothingHelps, None);
    };
    let losses = |predicted: &[f64]| -> Vec<f64> {
        samples.iter().zip(predicted).map(|(sample, p)| brier_loss(*p, sample.closed)).collect()
    };
    let (by_own, by_default, by_mean) = (losses(&held_out.own), losses(&by_default), losses(&held_out.mean));
    let scores = Some(Scores { own: brier(&by_own), default: brier(&by_default), mean: brier(&by_mean) });
    if !beats(&by_own, &by_mean, MARGIN_MEAN) {
        return refused(Verdict::NotBetterThanMean, scores);
    }
    if !beats(&by_own, &by_default, MARGIN_DEFAULT) {
        return refused(Verdict::NotBetterThanDefault, scores);
    }
    (own.with_curve(held_out.curve), report(Verdict::Kept, scores, &held_out.own))
}

/// Predictions for every sample by fits, and by curves, that have not seen it.
struct HeldOut {
    own: Vec<f64>,
    mean: Vec<f64>,
    /// The curve of all of them, for a fit to all.
    curve: Curve,
}

/// `None` if one of the fits finds nothing.
///
/// The samples are sorted by outcome, then by a spread of their ids: counting off
/// gives each part the same mixture.
fn held_out(samples: &[Sample]) -> Option<HeldOut> {
    let outside = |fold: usize| samples.iter().enumerate().filter(move |(n, _)| n % FOLDS != fold);
    let mut logits = vec![0.0; samples.len()];
    let mut means = vec![0.0; samples.len()];
    for fold in 0..FOLDS {
        let others: Vec<&Sample> = outside(fold).map(|(_, sample)| sample).collect();
        let closed: Vec<f64> = others.iter().map(|sample| f64::from(u8::from(sample.closed))).collect();
        let (model, share) = (fit(&others)?, mean(&closed));
        for n in (fold..samples.len()).step_by(FOLDS) {
            logits[n] = model.logit(&samples[n].evidence);
            means[n] = share;
        }
    }
    let mut own = vec![0.0; samples.len()];
    for fold in 0..FOLDS {
        let curve = Curve::fit(outside(fold).map(|(n, sample)| (logits[n], sample.closed)));
        for n in (fold..samples.len()).step_by(FOLDS) {
            own[n] = logistic(curve.apply(logits[n]));
        }
    }
    let curve = Curve::fit(logits.into_iter().zip(samples.iter().map(|sample| sample.closed)));
    Some(HeldOut { own, mean: means, curve })
}

/// Whether losses are lower than others by more than chance does it, pair by pair.
fn beats(losses: &[f64], others: &[f64], margin: f64) -> bool {
    let gains: Vec<f64> = losses.iter().zip(others).map(|(loss, other)| other - loss).collect();
    let gain = mean(&gains);
    gain > margin * deviation(&gains, gain) / count(&gains).sqrt()
}

/// Fits a model without negative coefficients; `None` if no feature is left. What nobody has done
/// has no coefficient: nothing is known of its worth here.
fn fit(samples: &[&Sample]) -> Option<Model> {
    let occurs = |feature: &Feature| samples.iter().any(|sample| sample.evidence.newest(*feature).is_some());
    let mut features: Vec<Feature> = Feature::ALL.iter().copied().filter(occurs).collect();
    while !features.is_empty() {
        let (intercept, coefficients) = regress(samples, &features)?;
        let before = features.len();
        features.retain(|feature| coefficients[feature.index()] >= 0.0);
        if features.len() == before {
            return Some(Model::new(thousandths(intercept), coefficients.map(|c| thousandths(c).unsigned_abs())));
        }
    }
    None
}

/// A logistic regression on some features; intercept and coefficients in logits.
///
/// Its columns are the default model's logit and each feature, all with mean 0 and
/// deviation 1. The penalty holds each feature's weight near 0, that is near its place
/// in the default model, while that model's own column may be scaled almost freely.
/// `None` if nothing differs between the samples.
fn regress(samples: &[&Sample], features: &[Feature]) -> Option<(f64, [f64; FEATURES])> {
    let default = Model::default();
    let worth = |feature: &Feature| f64::from(default.coefficient(*feature)) / 1_000.0;
    let logit = |sample: &&Sample| features.iter().map(|f| worth(f) * sample.evidence.amount(*f)).sum();
    let whole = Column::new(samples.iter().map(logit).collect())?;
    let seen: Vec<(Feature, Column)> = features
        .iter()
        .filter_map(|f| Some((*f, Column::new(samples.iter().map(|s| s.evidence.amount(*f)).collect())?)))
        .collect();
    let mut values = whole.scaled(FREEDOM);
    values.extend(seen.iter().flat_map(|(_, column)| column.scaled(1.0)));
    let matrix = DenseMatrix::new(samples.len(), 1 + seen.len(), values, true).ok()?;
    let outcomes: Vec<u32> = samples.iter().map(|sample| u32::from(sample.closed)).collect();
    let parameters = LogisticRegressionParameters::default().with_alpha(SHRINKAGE);
    let fitted = LogisticRegression::fit(&matrix, &outcomes, parameters).ok()?;

    let weight = |n: usize, column: &Column| *fitted.coefficients().get((0, n)) / column.deviation;
    let slope = weight(0, &whole) * FREEDOM;
    let mut intercept = *fitted.intercept().get((0, 0)) - slope * whole.mean;
    let mut coefficients = [0.0; FEATURES];
    for feature in features {
        coefficients[feature.index()] = slope * worth(feature);
    }
    for (n, (feature, column)) in seen.iter().enumerate() {
        let weight = weight(n + 1, column);
        coefficients[feature.index()] += weight;
        intercept -= weight * column.mean;
    }
    (intercept.is_finite() && coefficients.iter().all(|c| c.is_finite())).then_some((intercept, coefficients))
}

/// A column of the regression.
struct Column {
    values: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl Column {
    /// `None` if all values are equal.
    fn new(values: Vec<f64>) -> Option<Self> {
        let mean = mean(&values);
        let deviation = deviation(&values, mean);
        (deviation > 1e-9).then_some(Self { values, mean, deviation })
    }

    /// The values with mean 0 and this deviation.
    fn scaled(&self, to: f64) -> Vec<f64> {
        self.values.iter().map(|value| (value - self.mean) / self.deviation * to).collect()
    }
}

fn count(values: &[f64]) -> f64 {
    float(values.len() as u64)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values).max(1.0)
}

/// The Brier score of losses, in millionths.
fn brier(losses: &[f64]) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a loss is between 0 and 1")]
    let millionths = (mean(losses) * 1_000_000.0).round() as u32;
    millionths
}

fn deviation(values: &[f64], mean: f64) -> f64 {
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count(values) - 1.0).max(1.0)).sqrt()
}

/// A number that looks like chance but is always the same for one id: ids are made in
/// the order of time, and the parts must not be.
fn spread(customer: PersonId) -> u64 {
    let bytes = customer.uuid().into_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        let mixed = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        mixed ^ (mixed >> 29)
    })
}

#[cfg(test)]
#[path = "retrain_tests.rs"]
mod tests;
