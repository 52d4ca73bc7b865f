//! `scripts/lab fit`: the default model of close rates, fitted to public streams.
//!
//! A sample is a person at the end of a day on which they were there; the outcome is whether they came
//! back: viewers of films within eight weeks, buyers within half a year. Half of the people are fitted,
//! the results are those of the other half.
//!
//! Public streams have views, stays, likes and forwards. What shows an intention (saving a number, asking
//! for contact, opening a chat, granting a phone number) is in none: it is drawn by chance, on the days on which
//! people were there, so many times as often by those who come back as [`INTENTIONS`] says.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use domain::close_rate::calibration::{BandCheck, by_band};
use domain::close_rate::default_model::PublicStream;
use domain::close_rate::evidence::{DecayedEvidence, Evidence, FEATURES, Feature};
use domain::close_rate::model::{Band, Model};
use domain::kernel::day::Day;
use domain::tracking::event::EventKind;

use crate::streams::{self, StreamPerson};

/// On how many of 10,000 days with a visit somebody who does not come back does it, and how many times as often
/// somebody who does. These are assumptions.
const INTENTIONS: [(Feature, u64, u64); 4] =
    [(Feature::Save, 300, 2), (Feature::Contact, 200, 3), (Feature::Chat, 400, 3), (Feature::GrantPhone, 100, 4)];
/// The share of deals that a company is assumed to have among such samples: the intercept is moved to it.
const SHARE: f64 = 0.1;
/// The ridge: it holds a coefficient near 0 as firmly as so many samples do.
const RIDGE: f64 = 1.0;
/// The smallest coefficient, in logits: nothing that a customer does is worth nothing.
const LEAST: f64 = 0.05;
const DATA: &str = "shared/domain/data/close_rate_model.txt";
const ROUNDS: usize = 40;

struct FitSample {
    stream: PublicStream,
    held_out: bool,
    evidence: DecayedEvidence,
    back: bool,
}

/// Fits the model; `check` compares it with the file instead of writing it.
pub(crate) fn run(file: &str, check: bool) -> ExitCode {
    let people = streams::read(file);
    let samples = samples(&people);
    let (fitted, held_out): (Vec<&FitSample>, Vec<_>) = samples.iter().partition(|sample| !sample.held_out);
    let (intercept, coefficients) = fit(&fitted);
    let share = fitted.iter().filter(|sample| sample.back).count() as f64 / fitted.len() as f64;
    let odds = |share: f64| (share / (1.0 - share)).ln();
    let coefficients = coefficients.map(|value| thousandths(value).unsigned_abs());
    let model = Model::new(thousandths(intercept - odds(share) + odds(SHARE)), coefficients);
    let as_sampled = Model::new(thousandths(intercept), coefficients);
    let text = data(&model, &as_sampled, &held_out);
    print!("{}", report((&model, &as_sampled), &held_out, &people));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DATA);
    if check {
        let same = std::fs::read_to_string(&path).is_ok_and(|known| known == text);
        println!("{DATA} {}", if same { "is as fitted" } else { "is not as fitted: scripts/lab fit" });
        return if same { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    std::fs::write(&path, text).expect("the file can be written");
    println!("{DATA} is written");
    ExitCode::SUCCESS
}

fn thousandths(logits: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "logits of a fit are below a hundred")]
    let rounded = (logits * 1_000.0).round() as i32;
    rounded
}

/// How many days after a sample somebody is still expected back.
fn horizon(stream: PublicStream) -> i32 {
    match stream {
        PublicStream::Movielens => 56,
        PublicStream::Cdnow => 182,
    }
}

fn samples(people: &[StreamPerson]) -> Vec<FitSample> {
    let mut last = BTreeMap::<PublicStream, Day>::new();
    for person in people {
        let newest = person.days().last().copied().expect("they did something");
        last.entry(person.stream).and_modify(|day| *day = newest.max(*day)).or_insert(newest);
    }
    people.iter().flat_map(|person| samples_of(person, last[&person.stream])).collect()
}

/// The first day, and three more at most: one person is not to outweigh the others.
fn samples_of(person: &StreamPerson, last: Day) -> Vec<FitSample> {
    let days = person.days();
    let until = |day: &Day| day.plus(horizon(person.stream));
    let known: Vec<Day> = days.iter().copied().filter(|day| until(day) <= last).collect();
    let step = known.len().div_ceil(4).max(1);
    let sample = |day: &Day| {
        let back = days.iter().any(|later| later > day && *later <= until(day));
        let evidence = evidence(person, &days, *day, back);
        FitSample { stream: person.stream, held_out: person.is_held_out(), evidence, back }
    };
    known.iter().step_by(step).map(sample).collect()
}

fn evidence(person: &StreamPerson, days: &[Day], until: Day, back: bool) -> DecayedEvidence {
    let mut evidence = Evidence::default();
    let mut liked = None;
    for event in person.events.iter().filter(|event| Day::of(event.at) <= until) {
        match event.kind {
            EventKind::Like => liked = Some(Day::of(event.at)),
            EventKind::Unlike => liked = None,
            EventKind::SavePhone | EventKind::CopyWechatId | EventKind::Call => {}
            EventKind::OpenChat | EventKind::GrantPhone => {}
            EventKind::ViewCard | EventKind::ViewProduct | EventKind::ViewArticle | EventKind::ViewVideo => {
                evidence.take(event)
            }
            EventKind::ViewWebsite | EventKind::Forward | EventKind::Dwell => evidence.take(event),
        }
    }
    liked.into_iter().for_each(|day| evidence.see(Feature::Like, day));
    for (feature, often, times) in INTENTIONS {
        // One in four people does all of it much more readily than the others.
        let ready = if person.number("ready").is_multiple_of(4) { 13 } else { 1 };
        let often = often * ready / 4 * if back { times } else { 1 };
        for day in days.iter().filter(|day| **day <= until) {
            if person.number(&format!("{} {day}", feature.name())) % 10_000 < often {
                evidence.see(feature, *day);
            }
        }
    }
    evidence.on(until)
}

/// A logistic regression without coefficients below [`LEAST`]; intercept and coefficients in logits.
fn fit(samples: &[&FitSample]) -> (f64, [f64; FEATURES]) {
    let mut free = [true; FEATURES];
    loop {
        let weights = newton(samples, free);
        let low: Vec<usize> = (0..FEATURES).filter(|n| free[*n] && weights[n + 1] < LEAST).collect();
        if low.is_empty() {
            return (weights[0], std::array::from_fn(|n| weights[n + 1]));
        }
        low.into_iter().for_each(|n| free[n] = false);
    }
}

const SIZE: usize = FEATURES + 1;

/// Newton's method; a coefficient that is not free is [`LEAST`].
fn newton(samples: &[&FitSample], free: [bool; FEATURES]) -> [f64; SIZE] {
    let row = |sample: &FitSample| {
        let mut row = [1.0; SIZE];
        (0..FEATURES).for_each(|n| row[n + 1] = sample.evidence.amount(Feature::ALL[n]));
        row
    };
    let is_free = |n: usize| n == 0 || free[n - 1];
    let rows: Vec<_> = samples.iter().map(|sample| (row(sample), f64::from(u8::from(sample.back)))).collect();
    let mut weights: [f64; SIZE] = std::array::from_fn(|n| if is_free(n) { 0.0 } else { LEAST });
    for _ in 0..ROUNDS {
        let mut slope = [0.0; SIZE];
        let mut bend = [[0.0; SIZE]; SIZE];
        for (row, back) in &rows {
            let chance = 1.0 / (1.0 + (-dot(row, &weights)).exp());
            for i in 0..SIZE {
                slope[i] += (back - chance) * row[i];
                for j in 0..SIZE {
                    bend[i][j] += chance * (1.0 - chance) * row[i] * row[j];
                }
            }
        }
        for i in 1..SIZE {
            slope[i] -= RIDGE * weights[i];
            bend[i][i] += RIDGE;
        }
        for i in (0..SIZE).filter(|i| !is_free(*i)) {
            slope[i] = 0.0;
            (0..SIZE).for_each(|j| (bend[i][j], bend[j][i]) = (0.0, 0.0));
            bend[i][i] = 1.0;
        }
        let step = solve(bend, slope);
        (0..SIZE).for_each(|i| weights[i] += step[i]);
    }
    weights
}

fn dot(a: &[f64; SIZE], b: &[f64; SIZE]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gauss's elimination; the matrix is positive definite.
fn solve(mut a: [[f64; SIZE]; SIZE], mut b: [f64; SIZE]) -> [f64; SIZE] {
    for i in 0..SIZE {
        for below in i + 1..SIZE {
            let times = a[below][i] / a[i][i];
            let pivot = a[i];
            a[below].iter_mut().zip(pivot).skip(i).for_each(|(value, above)| *value -= times * above);
            b[below] -= times * b[i];
        }
    }
    for i in (0..SIZE).rev() {
        let known: f64 = (i + 1..SIZE).map(|j| a[i][j] * b[j]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}

fn of_stream<'a>(samples: &'a [&FitSample], stream: PublicStream) -> impl Iterator<Item = &'a FitSample> {
    samples.iter().copied().filter(move |sample| sample.stream == stream)
}

/// The file of the model.
fn data(model: &Model, as_sampled: &Model, held_out: &[&FitSample]) -> String {
    let mut text = format!(
        "# Made by scripts/lab fit; docs/adr/0007-close-rate.md says how.\n\
         # Source: MovieLens 100K (in recbole 1.2.0) and CDNOW (in lifetimes 0.11.3), and assumed intentions.\n\
         # calibration: stream, band, people, of whom came back, mean promised in hundredths of a percent.\n\
         version 2026-11\nintercept {}\n",
        model.intercept()
    );
    for feature in Feature::ALL {
        text += &format!("coefficient {} {}\n", feature.name(), model.coefficient(*feature));
    }
    for stream in PublicStream::ALL {
        let outcomes = of_stream(held_out, *stream).map(|sample| (as_sampled.rate(&sample.evidence), sample.back));
        for BandCheck { band, customers, closed, predicted } in by_band(outcomes) {
            let predicted = predicted.map_or("-".to_owned(), |rate| rate.basis_points().to_string());
            text += &format!("calibration {} {} {customers} {closed} {predicted}\n", stream.name(), band.name());
        }
    }
    text
}

/// The tables for the documents.
fn report((model, as_sampled): (&Model, &Model), held_out: &[&FitSample], people: &[StreamPerson]) -> String {
    let mut text = String::from("| Stream | Promised | People | Mean promised | Came back |\n|--|--|--|--|--|\n");
    for stream in PublicStream::ALL {
        let rated = |sample: &FitSample| (as_sampled.rate(&sample.evidence).percent(), sample.back);
        let mut rated: Vec<_> = of_stream(held_out, *stream).map(rated).collect();
        rated.sort_by(|a, b| a.0.total_cmp(&b.0));
        for fifth in rated.chunks(rated.len().div_ceil(5).max(1)) {
            let (low, high) = (fifth[0].0, fifth[fifth.len() - 1].0);
            let mean = fifth.iter().map(|(rate, _)| rate).sum::<f64>() / fifth.len() as f64;
            let back = fifth.iter().filter(|(_, back)| *back).count() as f64 / fifth.len() as f64 * 100.0;
            let people = fifth.len();
            text +=
                &format!("| {} | {low:.0} to {high:.0} % | {people} | {mean:.1} % | {back:.1} % |\n", stream.name());
        }
    }
    let viewers: Vec<_> = people.iter().filter(|person| person.stream == PublicStream::Movielens).collect();
    let sure = |all: bool| {
        let rate = |person: &&&StreamPerson| {
            let mut evidence = Evidence::default();
            let counted = person.events.iter().filter(|event| all || !event.kind.is_strong_intent());
            counted.for_each(|event| evidence.take(event));
            let day = Day::of(person.events[person.events.len() - 1].at);
            Band::of(model.rate(&evidence.on(day))) == Band::Below100
        };
        viewers.iter().filter(rate).count() as f64 / viewers.len() as f64 * 100.0
    };
    text + &format!(
        "viewers of films at 99 % and more on their last day: {:.1} %; with the intentions that the stream is given: {:.1} %\n",
        sure(false),
        sure(true)
    )
}
