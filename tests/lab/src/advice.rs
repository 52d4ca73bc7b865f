//! `scripts/lab advice`: whether advised hours come true for the people of a public stream.
//!
//! The stream is gone through from visit to visit. A member asks twice for each visited hour: while the
//! customer is there, and on the next morning, before they may come again. The advice knows what had happened until then,
//! of the customer and of all others. It is hit if the customer is there in the hour that it names next;
//! while they are there, in the hour after. Beside it stands a random free hour of the four weeks after.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use domain::close_rate::default_model::PublicStream;
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::radar::best_hour::{Advice, AdviceBasis, VisitHours};
use domain::radar::quiet_hours::QuietHours;
use domain::radar::rhythm::Rhythm;

use crate::streams;

const HOUR_MS: i64 = DAY_MS / 24;
const WEEKS_AHEAD_HOURS: i64 = 28 * 24;
/// The goals: how many times as often as a random free hour, and the share of people with so many visits who get
/// advice of their own.
const TIMES_MIN: f64 = 3.0;
const SHARE_MIN: f64 = 0.5;
const VISITS: usize = 10;

/// When a member asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Occasion {
    WhileThere,
    NextMorning,
}

/// What became of advice.
#[derive(Debug, Clone, Default)]
struct Score {
    advised: u32,
    hit: u32,
    random: f64,
    /// For the next four weeks: what was expected, what came, and how often it was within the interval.
    forecasts: u32,
    expected: f64,
    came: u32,
    random_days: f64,
    within: u32,
}

/// The hours in which each person was there, counted from the beginning of 1970 in Asia/Shanghai.
type PeopleHours = BTreeMap<String, BTreeSet<i64>>;

/// The result of a stream.
#[derive(Debug, Default)]
struct BackTest {
    scores: BTreeMap<(Occasion, AdviceBasis), Score>,
    frequent: BTreeSet<String>,
    advised: BTreeSet<String>,
}

/// Back-tests the advice and prints the tables; fails when a goal is missed.
pub(crate) fn run(file: &str) -> ExitCode {
    let mut visits = PeopleHours::new();
    for person in streams::read(file).into_iter().filter(|person| person.stream == PublicStream::Movielens) {
        let hours = person.events.iter().map(|event| event.at.millis() + 8 * HOUR_MS).map(|ms| ms.div_euclid(HOUR_MS));
        visits.insert(person.name.clone(), hours.collect());
    }
    let result = BackTest::of(&visits);
    print!("{}", result.report());
    if result.reaches() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl BackTest {
    fn of(visits: &PeopleHours) -> Self {
        let mut result = Self::default();
        let mut in_order: Vec<(i64, &str)> =
            visits.iter().flat_map(|(name, hours)| hours.iter().map(|hour| (*hour, name.as_str()))).collect();
        in_order.sort_unstable();
        let last = in_order.last().map_or(0, |(hour, _)| *hour);
        let (mut rhythm, mut seen) = (Rhythm::default(), BTreeMap::<&str, (VisitHours, usize)>::new());
        for (hour, name) in in_order {
            rhythm.see(1 << hour.rem_euclid(24));
            let (hours, known) = seen.entry(name).or_default();
            hours.see(at(hour, 0));
            *known += 1;
            if *known >= VISITS && hour + WEEKS_AHEAD_HOURS < last {
                result.ask(name, &visits[name], hours, &rhythm, hour);
            }
        }
        result
    }

    fn ask(&mut self, name: &str, visits: &BTreeSet<i64>, hours: &VisitHours, rhythm: &Rhythm, hour: i64) {
        self.frequent.insert(name.to_owned());
        let morning = (hour.div_euclid(24) + 1) * 24 + 8;
        let is_last_of_day = visits.range(hour + 1..morning).next().is_none();
        let mut asked = vec![(Occasion::WhileThere, at(hour, 30))];
        asked.extend(is_last_of_day.then_some((Occasion::NextMorning, at(morning, 0))));
        for (occasion, now) in asked {
            let Some(advice) = hours.advise(now, QuietHours::default(), rhythm) else { continue };
            if advice.basis != AdviceBasis::Company {
                self.advised.insert(name.to_owned());
            }
            self.scores.entry((occasion, advice.basis)).or_default().add(&advice, visits, now);
        }
    }

    fn sum(&self, wanted: impl Fn(Occasion, AdviceBasis) -> bool) -> Score {
        let mut sum = Score::default();
        for (_, score) in self.scores.iter().filter(|((occasion, basis), _)| wanted(*occasion, *basis)) {
            sum.advised += score.advised;
            sum.hit += score.hit;
            sum.random += score.random;
        }
        sum
    }

    fn share(&self) -> f64 {
        self.advised.len() as f64 / self.frequent.len().max(1) as f64
    }

    fn reaches(&self) -> bool {
        self.sum(|_, basis| basis != AdviceBasis::Company).times() >= TIMES_MIN && self.share() >= SHARE_MIN
    }

    fn report(&self) -> String {
        let mut text =
            String::from("| Asked | Rests on | Advice | Hit | A random free hour | Times |\n|--|--|--|--|--|--|\n");
        for ((occasion, basis), score) in &self.scores {
            text += &score.line(occasion.text(), basis.name());
        }
        text += &self.sum(|_, basis| basis != AdviceBasis::Company).line("both", "now and customer");
        text += &self.sum(|_, _| true).line("both", "all");
        text += "\n| Asked | Rests on | Forecasts | Days expected | Days that came | Days in a random free hour | Within the interval |\n\
            |--|--|--|--|--|--|--|\n";
        for ((occasion, basis), score) in self.scores.iter().filter(|(_, score)| score.forecasts > 0) {
            let mean = |sum: f64| sum / f64::from(score.forecasts);
            let (expected, came) = (mean(score.expected), mean(f64::from(score.came)));
            let within = mean(f64::from(score.within)) * 100.0;
            let (random, asked, basis) = (mean(score.random_days), occasion.text(), basis.name());
            let numbers = format!("{} | {expected:.2} | {came:.2} | {random:.2} | {within:.0} %", score.forecasts);
            text += &format!("| {asked} | {basis} | {numbers} |\n");
        }
        let (advised, frequent, share) = (self.advised.len(), self.frequent.len(), self.share() * 100.0);
        text + &format!("\nof {frequent} people with {VISITS} visits {advised} got advice of their own: {share:.0} %\n")
    }
}

impl Score {
    fn add(&mut self, advice: &Advice, visits: &BTreeSet<i64>, now: Timestamp) {
        let this = hour_of(now);
        let named = if advice.basis == AdviceBasis::Now { this + 1 } else { hour_of(advice.next) };
        let later = || visits.range(this + 1..=this + WEEKS_AHEAD_HOURS).copied();
        let is_free = |hour: i64| QuietHours::default().leave_free(hour_of_day(hour));
        let free = (0..24).filter(|hour| QuietHours::default().leave_free(*hour)).count();
        let lasts = i64::from(advice.length);
        self.advised += 1;
        self.hit += u32::from((named..named + lasts).any(|hour| visits.contains(&hour)));
        let in_free = later().filter(|hour| is_free(*hour)).count() as f64 / free as f64;
        self.random += in_free / 28.0 * lasts as f64;
        let Some(expected) = advice.expected.filter(|expected| expected.of == 28) else { return };
        let came = later().filter(|hour| hour_of_day(*hour) == advice.hour).count();
        let came = u32::try_from(came).unwrap_or(u32::MAX);
        self.forecasts += 1;
        self.expected += expected.mean;
        self.came += came;
        self.random_days += in_free;
        self.within += u32::from((expected.low..=expected.high).contains(&came));
    }

    fn times(&self) -> f64 {
        f64::from(self.hit) / self.random.max(f64::MIN_POSITIVE)
    }

    fn line(&self, asked: &str, basis: &str) -> String {
        let percent = |sum: f64| sum / f64::from(self.advised.max(1)) * 100.0;
        let (hit, random) = (percent(f64::from(self.hit)), percent(self.random));
        format!("| {asked} | {basis} | {} | {hit:.1} % | {random:.2} % | {:.1} × |\n", self.advised, self.times())
    }
}

impl Occasion {
    fn text(self) -> &'static str {
        match self {
            Self::WhileThere => "while they are there",
            Self::NextMorning => "on the next morning",
        }
    }
}

/// So many minutes past an hour.
fn at(hour: i64, minutes: i64) -> Timestamp {
    Timestamp::from_millis((hour - 8) * HOUR_MS + minutes * 60_000)
}

fn hour_of(at: Timestamp) -> i64 {
    (at.millis() + 8 * HOUR_MS).div_euclid(HOUR_MS)
}

fn hour_of_day(hour: i64) -> u8 {
    u8::try_from(hour.rem_euclid(24)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Forty people for a quarter of a year, who come in sittings of some hours: some at their own hour of nearly each
    /// day, some at any.
    fn visits(regular: bool) -> PeopleHours {
        let mut chance = Random(7);
        let person = |n: u64| {
            let own = 9 + n % 12;
            let days = (0..90_u64).filter(|_| chance.below(10) < if regular { 7 } else { 2 }).collect::<Vec<_>>();
            let begins = |chance: &mut Random| if regular && chance.below(10) < 8 { own } else { 9 + chance.below(12) };
            let sittings = days.into_iter().flat_map(|day| {
                let first = (20_000 + day) * 24 + begins(&mut chance);
                first..=first + u64::from(chance.below(5) == 0)
            });
            (format!("{n:03}"), sittings.map(|hour| i64::try_from(hour).expect("small")).collect())
        };
        (0..40).map(person).collect()
    }

    #[test]
    fn advice_of_people_with_habits_comes_true_and_promises_no_more_than_comes() {
        let result = BackTest::of(&visits(true));
        let own = result.sum(|_, basis| basis == AdviceBasis::Customer);
        assert!(own.advised > 500 && own.times() > 4.0, "{}", result.report());
        assert!(result.share() > 0.9 && result.reaches(), "{}", result.report());
        // They come more often than most people, so the forecast is too low for them; never too high.
        for ((_, basis), score) in &result.scores {
            let is_low = score.expected < f64::from(score.came);
            assert!(*basis != AdviceBasis::Customer || is_low, "{}", result.report());
        }
    }

    #[test]
    fn people_without_habits_are_promised_little() {
        let result = BackTest::of(&visits(false));
        let own = result.scores.iter().filter(|((_, basis), _)| *basis == AdviceBasis::Customer);
        for (_, score) in own {
            let (expected, came) =
                (score.expected / f64::from(score.forecasts), f64::from(score.came) / f64::from(score.forecasts));
            assert!(expected < came + 1.0, "{expected} expected, {came} came");
        }
        let own = result.sum(|_, basis| basis == AdviceBasis::Customer);
        assert!(own.times() < 2.5, "an hour of theirs is hardly better than another: {}", result.report());
    }
}
