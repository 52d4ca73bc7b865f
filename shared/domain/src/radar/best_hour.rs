//! The best hour to follow up: when in the week a customer is usually there.
//!
//! A visit is an hour of a day with any event; ten events in it are one visit. The visited hours
//! of the days are kept, not counters: a counter could not show whether a late event's hour has
//! been counted. The 168 counters follow from them.

use serde::Deserialize;
use time::Weekday;

use crate::kernel::day::Day;
use crate::kernel::pack::Pack;
use crate::kernel::recent_days::RecentDays;
use crate::kernel::timestamp::{DAY_MS, SHANGHAI_MS, Timestamp};
use crate::radar::quiet_hours::QuietHours;

/// Fewest visits for any advice.
pub const VISITS_MIN: u32 = 5;
/// Fewest days with a visit for any advice.
pub const DAYS_MIN: usize = 3;
/// How sure advice must be that the hour is no accident.
pub const CONFIDENCE_MIN: f64 = 0.95;

const REMEMBERED: u16 = 7 * 8;
const HOUR_MS: i64 = DAY_MS / 24;

/// The hours in which one person was there, on the 56 days up to the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct VisitHours(RecentDays<REMEMBERED>);

/// When to follow up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advice {
    /// The day of the week; `None` stands for every day.
    pub weekday: Option<Weekday>,
    /// The hour of the day in Asia/Shanghai at which it begins; it lasts one hour.
    pub hour: u8,
    /// On how many such days they were there in this hour …
    pub seen: u32,
    /// … of how many, since their first visit of the last eight weeks.
    pub of: u32,
    /// How sure it is that this is no accident, [`CONFIDENCE_MIN`] to 1.
    pub confidence: f64,
    /// The next time it begins, later than now: when to be reminded.
    pub next: Timestamp,
}

impl Pack for VisitHours {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.0.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Pack::unpack(bytes).map(Self)
    }
}

impl VisitHours {
    /// Whether no visit is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts the hour of an event as visited; not for filtered events.
    pub fn see(&mut self, at: Timestamp) {
        let hour = (at.millis() + SHANGHAI_MS).rem_euclid(DAY_MS) / HOUR_MS;
        self.0.change(Day::of(at), |hours| hours | 1 << hour);
    }

    /// Adds the visits of another part of the same person.
    pub fn add_all(&mut self, other: &Self) {
        self.0.add_all(&other.0, |mine, theirs| mine | theirs);
    }

    /// The visited hours of each day, as bits, the newest day first.
    pub fn days(&self) -> impl Iterator<Item = (Day, u32)> {
        self.0.iter()
    }

    /// On how many Mondays 0 o'clock, Mondays 1 o'clock, … they were there in the eight weeks up
    /// to `today`: 168 counters.
    pub fn histogram(&self, today: Day) -> [u8; 168] {
        let mut counters = [0; 168];
        for (day, hours) in self.last_weeks(today) {
            for hour in (0..24).filter(|hour| hours >> hour & 1 == 1) {
                counters[weekday(day) * 24 + hour] += 1;
            }
        }
        counters
    }

    /// The hour to follow up in; `None` as long as too little is known, or no hour stands out.
    /// Never in quiet hours.
    ///
    /// An hour stands out if a customer with as many visits at random free hours would hardly
    /// (less than 5 %) have any hour that is visited as often. Of these hours, the best is the
    /// one in which the customer is most surely met.
    pub fn advise(&self, now: Timestamp, quiet: QuietHours) -> Option<Advice> {
        let today = Day::of(now);
        let visited: u32 = self.last_weeks(today).map(|(_, hours)| hours.count_ones()).sum();
        if visited < VISITS_MIN || self.last_weeks(today).count() < DAYS_MIN {
            return None;
        }
        let observed = self.observed(today)?;
        let free: Vec<u8> = (0..24).filter(|hour| quiet.leave_free(*hour)).collect();
        let slots = self.slots(today, observed, &free);
        let chances: u32 = slots.iter().filter(|slot| slot.weekday.is_none()).map(|slot| slot.of).sum();
        let visits: u32 = slots.iter().filter(|slot| slot.weekday.is_none()).map(|slot| slot.seen).sum();
        let average = f64::from(visits) / f64::from(chances.max(1));
        let tried = f64::from(u32::try_from(slots.len()).unwrap_or(u32::MAX));
        let confidence = |slot: &Slot| 1.0 - tried * at_least(slot.seen, slot.of, average);
        slots
            .iter()
            .filter(|slot| slot.seen > 0 && confidence(slot) >= CONFIDENCE_MIN)
            .max_by(|a, b| {
                surely(a.seen, a.of).total_cmp(&surely(b.seen, b.of)).then_with(|| b.order().cmp(&a.order()))
            })
            .map(|slot| Advice {
                weekday: slot.weekday.map(|day| Weekday::Monday.nth_next(day)),
                hour: slot.hour,
                seen: slot.seen,
                of: slot.of,
                confidence: confidence(slot),
                next: slot.next(now),
            })
    }

    fn last_weeks(&self, today: Day) -> impl Iterator<Item = (Day, u32)> {
        let first = today.plus(1 - i32::from(REMEMBERED));
        self.0.iter().filter(move |(day, _)| (first..=today).contains(day))
    }

    /// How often each weekday was observed, from the first visit up to today.
    fn observed(&self, today: Day) -> Option<[u32; 7]> {
        let first = self.last_weeks(today).last()?.0;
        let mut observed = [0; 7];
        for day in first.number()..=today.number() {
            observed[weekday(Day::from_number(day))] += 1;
        }
        Some(observed)
    }

    /// Every free hour of every weekday, and of all days.
    fn slots(&self, today: Day, observed: [u32; 7], free: &[u8]) -> Vec<Slot> {
        let counters = self.histogram(today);
        let mut slots = Vec::with_capacity(free.len() * 8);
        for hour in free.iter().copied() {
            let weekly = |day: u8| {
                let seen = u32::from(counters[usize::from(day) * 24 + usize::from(hour)]);
                Slot { weekday: Some(day), hour, seen, of: observed[usize::from(day)] }
            };
            let (seen, of) = (0..7).map(weekly).fold((0, 0), |sum, slot| (sum.0 + slot.seen, sum.1 + slot.of));
            slots.extend((0..7).map(weekly));
            slots.push(Slot { weekday: None, hour, seen, of });
        }
        slots
    }
}

impl Advice {
    /// In Chinese.
    pub fn text(&self) -> String {
        let Self { hour, seen, of, .. } = self;
        let until = hour + 1;
        match self.weekday.map(weekday_name) {
            Some(day) => format!("{day} {hour}–{until} 点联系最合适：{of} 个{day}中有 {seen} 个来访"),
            None => format!("每天 {hour}–{until} 点联系最合适：{of} 天中有 {seen} 天来访"),
        }
    }
}

fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "周一",
        Weekday::Tuesday => "周二",
        Weekday::Wednesday => "周三",
        Weekday::Thursday => "周四",
        Weekday::Friday => "周五",
        Weekday::Saturday => "周六",
        Weekday::Sunday => "周日",
    }
}

/// An hour of one weekday (0 is Monday) or of every day.
struct Slot {
    weekday: Option<u8>,
    hour: u8,
    seen: u32,
    of: u32,
}

impl Slot {
    /// Every day before Monday before Tuesday, early before late: which of equals is named.
    fn order(&self) -> (Option<u8>, u8) {
        (self.weekday, self.hour)
    }

    /// When it begins next, later than `now`.
    fn next(&self, now: Timestamp) -> Timestamp {
        let today = Day::of(now);
        let begins = |day: Day| {
            let midnight = i64::from(day.number()) * DAY_MS - SHANGHAI_MS;
            Timestamp::from_millis(midnight + i64::from(self.hour) * HOUR_MS)
        };
        (0..=7)
            .map(|days| today.plus(days))
            .filter(|day| self.weekday.is_none_or(|wanted| usize::from(wanted) == weekday(*day)))
            .map(begins)
            .find(|begin| *begin > now)
            .unwrap_or(now)
    }
}

/// 0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday.
fn weekday(day: Day) -> usize {
    usize::try_from((day.number() + 3).rem_euclid(7)).unwrap_or(0)
}

/// The chance of at least `seen` hits in `of` tries of chance `p` each.
fn at_least(seen: u32, of: u32, p: f64) -> f64 {
    // The sum over the upper tail, each term from the one before.
    let mut term = (0..seen).fold(1.0, |term, k| term * p * f64::from(of - k) / f64::from(k + 1))
        * (1.0 - p).powi((of - seen).cast_signed());
    let mut sum = 0.0;
    for hits in seen..=of {
        sum += term;
        term *= f64::from(of - hits) / f64::from(hits + 1) * p / (1.0 - p).max(f64::MIN_POSITIVE);
    }
    sum.min(1.0)
}

/// Wilson's lower bound at 95 % for the share `seen / of`.
fn surely(seen: u32, of: u32) -> f64 {
    let (n, z2) = (f64::from(of.max(1)), 1.96_f64.powi(2));
    let share = f64::from(seen) / n;
    let spread = (z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n))).sqrt();
    (share + z2 / (2.0 * n) - spread) / (1.0 + z2 / n)
}

#[cfg(test)]
#[path = "best_hour_tests.rs"]
mod tests;
