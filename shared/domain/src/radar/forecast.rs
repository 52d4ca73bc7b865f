//! What the next weeks will likely bring: on how many days somebody will be there at a certain hour.
//!
//! Two things are not known: in how many of the coming weeks they will be there at all, and on how
//! many days of such a week they will be there in this hour. Each has a beta distribution, which
//! starts as most people of public streams behave and moves with what was seen. The number of days
//! follows from both: a mixture of beta-binomial distributions, computed exactly.

/// How many weeks are looked ahead.
pub const WEEKS_AHEAD: u32 = 4;

/// A beta distribution: as if so many tries had succeeded, and so many had not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beta {
    pub(crate) yes: f64,
    pub(crate) no: f64,
}

/// On how many days somebody will be there, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Of how many days.
    pub of: u32,
    /// The mean.
    pub mean: f64,
    /// The number is at least this, with 95 % …
    pub low: u32,
    /// … and at most this, with 95 %.
    pub high: u32,
}

impl Beta {
    pub(crate) fn mean(self) -> f64 {
        self.yes / (self.yes + self.no)
    }

    /// After so many of so many tries have succeeded.
    pub(crate) fn after(self, seen: u32, of: u32) -> Self {
        Self { yes: self.yes + f64::from(seen), no: self.no + f64::from(of.saturating_sub(seen)) }
    }

    /// The logarithm of the chance that just these of so many tries succeed.
    pub(crate) fn log_chance(self, seen: u32, of: u32) -> f64 {
        let Self { yes, no } = self;
        let logs = |start: f64, count: u32| (0..count).map(|k| (start + f64::from(k)).ln()).sum::<f64>();
        logs(yes, seen) + logs(no, of.saturating_sub(seen)) - logs(yes + no, of)
    }

    /// The chance of 0, 1, … of `tries` successes.
    pub(crate) fn successes(self, tries: u32) -> Vec<f64> {
        let Self { yes, no } = self;
        let tried = |k: u32| f64::from(k);
        let mut chance: f64 = (0..tries).map(|k| (no + tried(k)) / (yes + no + tried(k))).product();
        let mut chances = vec![chance];
        for k in 0..tries {
            chance *= tried(tries - k) * (yes + tried(k)) / (tried(k + 1) * (no + tried(tries - k - 1)));
            chances.push(chance);
        }
        chances
    }
}

impl Expected {
    /// The next [`WEEKS_AHEAD`] weeks, of which so many days each are asked for; `days` are what may be
    /// true of such a day, each with its probability.
    pub(crate) fn of_weeks(weeks: Beta, days: &[(f64, Beta)], days_a_week: u32) -> Self {
        let of = WEEKS_AHEAD * days_a_week;
        let mut chances = vec![0.0; of as usize + 1];
        for (active, chance) in (0..).zip(weeks.successes(WEEKS_AHEAD)) {
            for (probability, days) in days {
                for (sum, part) in chances.iter_mut().zip(days.successes(active * days_a_week)) {
                    *sum += chance * probability * part;
                }
            }
        }
        Self::of_chances(&chances)
    }

    /// One try.
    pub(crate) fn of_one(chance: Beta) -> Self {
        Self::of_chances(&chance.successes(1))
    }

    fn of_chances(chances: &[f64]) -> Self {
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mean = chances.iter().enumerate().map(|(place, chance)| f64::from(number(place)) * chance).sum();
        let until = |share: f64| {
            let mut sum = 0.0;
            let place = chances.iter().position(|chance| {
                sum += chance;
                sum >= share
            });
            number(place.unwrap_or(chances.len() - 1))
        };
        Self { of: number(chances.len() - 1), mean, low: until(0.05), high: until(0.95) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_chances_of_all_numbers_add_up_and_their_mean_is_the_betas(
            yes in 0.05f64..40.0, no in 0.05f64..40.0, tries in 0u32..40,
        ) {
            let beta = Beta { yes, no };
            let chances = beta.successes(tries);
            prop_assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            let mean: f64 = chances.iter().enumerate().map(|(k, chance)| k as f64 * chance).sum();
            prop_assert!((mean - f64::from(tries) * beta.mean()).abs() < 1e-6);
        }

        #[test]
        fn an_interval_holds_its_mean_and_more_seen_never_promises_less(
            seen in 0u32..=20, weeks in 0u32..=8, days_a_week in prop::sample::select(vec![1u32, 7]),
        ) {
            let prior = Beta { yes: 0.4, no: 5.0 };
            let of = |seen| Expected::of_weeks(prior.after(weeks, 8), &[(1.0, prior.after(seen, 56))], days_a_week);
            let expected = of(seen);
            prop_assert!(expected.low <= expected.high && expected.high <= expected.of);
            prop_assert!(f64::from(expected.low) - 1.0 <= expected.mean && expected.mean <= f64::from(expected.high) + 1.0);
            prop_assert!(of(seen + 1).mean > expected.mean);
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_books() {
        let uniform = Beta { yes: 1.0, no: 1.0 }.successes(4);
        assert!(uniform.iter().all(|chance| (chance - 0.2).abs() < 1e-12));
        let [none, one] = Beta { yes: 1.0, no: 7.0 }.successes(1)[..] else { panic!("two chances") };
        assert!((none - 0.875).abs() < 1e-12 && (one - 0.125).abs() < 1e-12);
        let [first, second] = [(1, 2), (2, 2)].map(|(seen, of)| Beta { yes: 1.0, no: 1.0 }.log_chance(seen, of).exp());
        assert!((first - 1.0 / 6.0).abs() < 1e-12 && (second - 1.0 / 3.0).abs() < 1e-12);
        let sure = Expected::of_weeks(Beta { yes: 1e9, no: 1.0 }, &[(1.0, Beta { yes: 1e9, no: 1e9 })], 7);
        assert!((sure.mean - 14.0).abs() < 1e-3 && (sure.low, sure.high) == (10, 18), "{sure:?}");
    }
}
