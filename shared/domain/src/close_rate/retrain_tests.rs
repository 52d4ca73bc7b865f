//! Markets with a known truth, the same for the same seed.

use uuid::Uuid;

use super::*;
use crate::close_rate::evidence::Evidence;
use crate::close_rate::model::Band;
use crate::kernel::day::Day;

/// A fixed sequence of numbers that look like chance.
struct SampleRandom(u64);

impl SampleRandom {
    fn new(seed: u64) -> Self {
        // Mixed once, so that the sequences of neighbouring seeds do not overlap.
        Self(Self(seed).number())
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn share(&mut self) -> f64 {
        float(self.number() >> 11) / float(1 << 53)
    }

    fn hits(&mut self, probability: f64) -> bool {
        self.share() < probability
    }
}

const TODAY: i32 = 20_400;

/// How often each feature comes on a day with a visit, by a customer of middling interest.
const HABITS: [f64; FEATURES] = [0.9, 0.5, 0.3, 0.4, 0.12, 0.1, 0.08, 0.06, 0.1, 0.02];

/// What a market rewards, in thousandths: not what the default model believes.
fn truth() -> Model {
    Model::new(-3_600, [40, 900, 0, 1_000, 200, 0, 1_800, 3_200, 600, 6_000])
}

struct SimulatedCustomer {
    sample: Sample,
    probability: f64,
}

/// People of very different interest, over the last sixteen weeks.
fn market(seed: u64, customers: usize, truth: impl Fn(&DecayedEvidence) -> f64) -> Vec<SimulatedCustomer> {
    let mut chance = SampleRandom::new(seed);
    (0..customers).map(|_| customer(&mut chance, &truth)).collect()
}

fn customer(chance: &mut SampleRandom, truth: impl Fn(&DecayedEvidence) -> f64) -> SimulatedCustomer {
    let mut evidence = Evidence::default();
    let interest = chance.share().powi(3);
    for day in TODAY - 50..=TODAY {
        if !chance.hits(0.02 + 0.5 * interest) {
            continue;
        }
        for (feature, habit) in Feature::ALL.iter().zip(HABITS) {
            while chance.hits(habit * (0.3 + 0.7 * interest)) {
                evidence.see(*feature, Day::from_number(day));
            }
        }
    }
    let decayed = evidence.on(Day::from_number(TODAY));
    let probability = truth(&decayed);
    let id = Uuid::from_u128(u128::from(chance.number()) << 64 | u128::from(chance.number()));
    let sample = Sample { customer: PersonId::from_uuid(id), closed: chance.hits(probability), evidence: decayed };
    SimulatedCustomer { sample, probability }
}

fn samples(market: &[SimulatedCustomer]) -> Vec<Sample> {
    market.iter().map(|customer| customer.sample.clone()).collect()
}

fn score(market: &[SimulatedCustomer], predict: impl Fn(&DecayedEvidence) -> f64) -> f64 {
    mean(&market.iter().map(|c| brier_loss(predict(&c.sample.evidence), c.sample.closed)).collect::<Vec<_>>())
}

/// Rates against the known truth, in every band with enough customers for a test.
fn bands_come_true(fresh: &[SimulatedCustomer], model: &Model, within: f64) {
    let rate = |customer: &SimulatedCustomer| model.rate(&customer.sample.evidence);
    for band in by_band(fresh.iter().map(|customer| (rate(customer), customer.sample.closed))) {
        assert!(band.customers >= 200, "every band is tried");
        let inside = fresh.iter().filter(|customer| Band::of(rate(customer)) == band.band);
        let truth = 100.0 * mean(&inside.map(|customer| customer.probability).collect::<Vec<_>>());
        let predicted = band.predicted.unwrap().percent();
        assert!((predicted - truth).abs() <= within, "{:?}: {predicted} predicted, {truth} true", band.band);
    }
}

#[test]
fn a_companys_own_model_beats_the_default_and_a_coin_and_its_bands_come_true() {
    let truth = truth();
    for seed in 1..=5 {
        let (model, report) = retrain(samples(&market(seed, 4_000, |evidence| truth.probability(evidence))));
        assert_eq!(report.verdict, Verdict::Kept, "seed {seed}");
        let fresh = market(seed + 1_000, 10_000, |evidence| truth.probability(evidence));
        let own = score(&fresh, |evidence| model.probability(evidence));
        assert!(own < score(&fresh, |evidence| Model::default().probability(evidence)), "seed {seed}");
        assert!(own < 0.25 && own < 1.02 * score(&fresh, |evidence| truth.probability(evidence)), "seed {seed}: {own}");
        bands_come_true(&fresh, &model, 5.0);
    }
}

/// No logistic model can express this; the curve can.
#[test]
fn where_rates_level_out_the_curve_follows() {
    let truth = |evidence: &DecayedEvidence| if evidence.amount(Feature::Chat) > 0.5 { 0.6 } else { 0.05 };
    let fresh = market(2_000, 10_000, truth);
    let (mut with, mut without) = (0, 0);
    for seed in 1..=3 {
        let (model, report) = retrain(samples(&market(seed, 2_000, truth)));
        assert_eq!(report.verdict, Verdict::Kept, "seed {seed}");
        let sure = |model: &Model| fresh.iter().filter(|c| model.rate(&c.sample.evidence).percent() >= 90.0).count();
        with += sure(&model);
        without += sure(&model.with_curve(Curve::default()));
    }
    assert!(with * 3 < without * 2, "{with} are promised 90 % and more, {without} would be without the curve");
}

#[test]
fn on_pure_noise_the_retraining_is_rejected_every_time() {
    for seed in 1..=24 {
        let rate = [0.15, 0.25, 0.4][usize::try_from(seed % 3).unwrap()];
        let (model, report) = retrain(samples(&market(seed, 400, |_| rate)));
        assert!(
            [Verdict::NothingHelps, Verdict::NotBetterThanMean].contains(&report.verdict),
            "seed {seed}: {report:?}"
        );
        assert_eq!(model, Model::default());
    }
}

#[test]
fn where_the_default_model_is_right_it_stays() {
    for seed in 1..=8 {
        let (model, report) = retrain(samples(&market(seed, 500, |evidence| Model::default().probability(evidence))));
        assert_eq!(report.verdict, Verdict::NotBetterThanDefault, "seed {seed}: {report:?}");
        assert_eq!(model, Model::default());
    }
}

/// The default model has a worth for each kind of events. Of a kind that nobody has done here, nothing is known.
#[test]
fn what_never_occurred_has_no_coefficient() {
    let truth = truth();
    let mut samples = samples(&market(1, 4_000, |evidence| truth.probability(evidence)));
    samples.retain(|sample| sample.evidence.newest(Feature::Chat).is_none());
    let (model, report) = retrain(samples);
    assert_eq!(report.verdict, Verdict::Kept);
    assert_eq!(model.coefficient(Feature::Chat), 0);
    assert!(Model::default().coefficient(Feature::Chat) > 0 && model.coefficient(Feature::Contact) > 0);
}

#[test]
fn the_order_of_the_customers_changes_nothing() {
    let truth = truth();
    let mut samples = samples(&market(1, 800, |evidence| truth.probability(evidence)));
    let (model, report) = retrain(samples.clone());
    samples.sort_by_key(|sample| sample.customer);
    assert_eq!(retrain(samples), (model, report));
}

#[test]
fn a_company_needs_fifty_closed_and_two_hundred_open_customers() {
    let everyone = samples(&market(3, 2_000, |_| 0.5));
    let some = |closed: usize, open: usize| {
        let of =
            |wanted: bool, n: usize| everyone.iter().filter(move |sample| sample.closed == wanted).take(n).cloned();
        retrain(of(true, closed).chain(of(false, open)).collect()).1
    };
    assert_eq!(some(49, 500).verdict, Verdict::TooFewClosed);
    assert_eq!(some(500, 199).verdict, Verdict::TooFewOpen);
    assert!(![Verdict::TooFewClosed, Verdict::TooFewOpen].contains(&some(50, 200).verdict));
    assert_eq!(some(0, 0).verdict, Verdict::TooFewClosed);
    let report = some(60, 300);
    assert_eq!(
        report
            .bands
            .iter()
            .map(|band| (band.customers, band.closed))
            .fold((0, 0), |sum, band| (sum.0 + band.0, sum.1 + band.1)),
        (360, 60)
    );
}

#[test]
fn customers_without_any_evidence_give_no_model() {
    let mut samples = samples(&market(4, 600, |_| 0.4));
    samples.iter_mut().for_each(|sample| sample.evidence = Evidence::default().on(Day::from_number(TODAY)));
    assert_eq!(retrain(samples).1.verdict, Verdict::NothingHelps);
}

#[test]
fn a_fitted_model_and_its_report_read_back() {
    let truth = truth();
    let (model, report) = retrain(samples(&market(5, 1_500, |evidence| truth.probability(evidence))));
    let (stored, reported) = (serde_json::to_string(&model).unwrap(), serde_json::to_string(&report).unwrap());
    assert!(reported.contains(r#""scores":{"refitted":"#), "the stored name stays: {reported}");
    assert_eq!(serde_json::from_str::<Model>(&stored).unwrap(), model);
    assert_eq!(serde_json::from_str::<RetrainReport>(&reported).unwrap(), report);
}
