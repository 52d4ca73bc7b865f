//! The best hour to follow up: when a customer will likely be there.
//!
//! A visit is an hour of a day with any event; ten events in it are one visit. The visited hours
//! of the days are kept, not counters: a counter could not show whether a late event's hour has
//! been counted. The 168 counters of the week follow from them.
//!
//! Who is there now is best met now. Who has been there often enough has hours of their own: their
//! hours of the day, held to the rhythm of the company's customers, and an hour of one weekday only
//! if that is much more likely. Most people have no habit and are held firmly, few have one
//! ([`HABITS`]); which is more probable follows from all of their hours. Of everybody else the rhythm
//! is known. Each advice says what the next four weeks will likely bring ([`Expected`]).

use std::collections::BTreeSet;

use serde::Deserialize;
use time::Weekday;

use crate::kernel::day::{Day, hour_of};
use crate::kernel::pack::Pack;
use crate::kernel::recent_days::RecentDays;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::radar::forecast::{Beta, Expected};
use crate::radar::quiet_hours::QuietHours;
use crate::radar::rhythm::Rhythm;

/// Fewest visits for an hour of their own.
pub const VISITS_MIN: u32 = 5;
/// Fewest days with a visit for it.
pub const DAYS_MIN: u32 = 3;
/// Fewest visits in the hour itself.
const SEEN_MIN: u32 = 2;
/// How many times as likely as their average free hour their own hour is, at least; and an hour of
/// one weekday as the same hour of any day.
const OUTSTANDING: f64 = 2.0;

/// In how many of the coming weeks somebody is there who was there in one week so far.
const WEEKS: Beta = Beta { yes: 0.4, no: 5.0 };
/// For how many days the rhythm of the company speaks against what was seen of the customer, and how
/// probable that is before anything was seen: people without a habit and with one.
const HABITS: [(f64, f64); 2] = [(0.99, 112.0), (0.01, 7.0)];
/// For how many weeks an hour of any day speaks against the same hour of one weekday.
const WEEKDAYS: f64 = 8.0;
/// How likely somebody who is there is still there in the hour after.
const STAYS: Beta = Beta { yes: 1.0, no: 7.0 };

const REMEMBERED: u16 = 7 * 8;
const HOUR_MS: i64 = DAY_MS / 24;

/// The hours in which one person was there, on the 56 days up to the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct VisitHours(RecentDays<REMEMBERED>);

string_enum! {
    /// What an advice rests on.
    AdviceBasis, "unknown_advice_basis", "未知的建议依据" {
        /// The customer is there at this hour.
        Now = "now",
        /// The customer's own hours.
        Customer = "customer",
        /// The hours of the company's customers.
        Company = "company",
    }
}

/// When to follow up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advice {
    /// What it rests on.
    pub basis: AdviceBasis,
    /// The day of the week; `None` stands for every day.
    pub weekday: Option<Weekday>,
    /// The hour of the day in Asia/Shanghai at which it begins.
    pub hour: u8,
    /// How many hours it lasts.
    pub length: u8,
    /// On how many such days they were there in this hour; for `Now` after how many visits they were
    /// still there in the next hour …
    pub seen: u32,
    /// … of how many, since their first visit of the last eight weeks.
    pub of: u32,
    /// The share of the company's visits, for `Company`.
    pub share: Option<f64>,
    /// On how many such days of the next four weeks they will be there; for `Now`, whether in the next
    /// hour. `None` for somebody without visits.
    pub expected: Option<Expected>,
    /// The next time it begins, later than now: when to be reminded. For `Now` it is now.
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
        self.0.change(Day::of(at), |hours| hours | 1 << hour_of(at));
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

    /// When to follow up; `None` as long as nothing is known of the company's customers either. Never
    /// in quiet hours.
    pub fn advise(&self, now: Timestamp, quiet: QuietHours, rhythm: &Rhythm) -> Option<Advice> {
        let habits = Habits::of(Seen::of(self, Day::of(now)), rhythm);
        self.now(now, quiet).or_else(|| habits.own(now, quiet)).or_else(|| habits.companys(now, quiet))
    }

    /// Whether they are there in this hour, if it is a free one.
    fn now(&self, now: Timestamp, quiet: QuietHours) -> Option<Advice> {
        let (today, hour) = (Day::of(now), hour_of(now));
        let visits: BTreeSet<i64> = self.last_weeks(today).flat_map(|(day, hours)| hours_of(day, hours)).collect();
        let this = i64::from(today.number()) * 24 + i64::from(hour);
        if !visits.contains(&this) || !quiet.leave_free(hour) {
            return None;
        }
        let before = visits.iter().filter(|visit| **visit < this);
        let (seen, of) =
            before.fold((0, 0), |(stayed, all), visit| (stayed + u32::from(visits.contains(&(visit + 1))), all + 1));
        let expected = Some(Expected::of_one(STAYS.after(seen, of)));
        let basis = AdviceBasis::Now;
        Some(Advice { basis, weekday: None, hour, length: 1, seen, of, share: None, expected, next: now })
    }

    fn last_weeks(&self, today: Day) -> impl Iterator<Item = (Day, u32)> {
        let first = today.plus(1 - i32::from(REMEMBERED));
        self.0.iter().filter(move |(day, _)| (first..=today).contains(day))
    }
}

/// The hours of a day that have a bit, counted from the beginning of 1970 in Asia/Shanghai.
fn hours_of(day: Day, hours: u32) -> impl Iterator<Item = i64> {
    (0..24).filter(move |hour| hours >> hour & 1 == 1).map(move |hour| i64::from(day.number()) * 24 + hour)
}

/// What was seen of somebody in the last eight weeks.
struct Seen {
    histogram: [u8; 168],
    visits: u32,
    days: u32,
    /// How often each weekday was observed, from the first visit up to today.
    observed: [u32; 7],
    /// Weeks since the one of the first visit, counted back from today, and in how many of them they
    /// were there.
    weeks: u32,
    weeks_after: u32,
}

impl Seen {
    fn of(hours: &VisitHours, today: Day) -> Self {
        let (mut seen, mut weeks) = (
            Self { histogram: hours.histogram(today), visits: 0, days: 0, observed: [0; 7], weeks: 0, weeks_after: 0 },
            BTreeSet::new(),
        );
        let mut first = None;
        for (day, hours) in hours.last_weeks(today) {
            seen.visits += hours.count_ones();
            seen.days += 1;
            weeks.insert((today.number() - day.number()).cast_unsigned() / 7);
            first = Some(day);
        }
        for day in first.map_or(today.number() + 1, Day::number)..=today.number() {
            seen.observed[weekday(Day::from_number(day))] += 1;
        }
        seen.weeks = weeks.last().copied().unwrap_or(0);
        seen.weeks_after = u32::try_from(weeks.len()).unwrap_or(1).saturating_sub(1);
        seen
    }

    /// On how many such days they were there in this hour, of how many.
    fn counted(&self, weekday: Option<u8>, hour: u8) -> (u32, u32) {
        let days = weekday.map_or(0..7, |day| usize::from(day)..usize::from(day) + 1);
        days.fold((0, 0), |(seen, of), day| {
            (seen + u32::from(self.histogram[day * 24 + usize::from(hour)]), of + self.observed[day])
        })
    }

    fn active_weeks(&self) -> u32 {
        self.weeks_after + 1
    }

    fn coming_weeks(&self) -> Beta {
        WEEKS.after(self.weeks_after, self.weeks)
    }
}

/// What was seen, and how probable each of [`HABITS`] is after it.
struct Habits<'a> {
    seen: Seen,
    rhythm: &'a Rhythm,
    probable: [f64; HABITS.len()],
}

impl<'a> Habits<'a> {
    fn of(seen: Seen, rhythm: &'a Rhythm) -> Self {
        let mut habits = Self { seen, rhythm, probable: HABITS.map(|(before, _)| before) };
        let days = 7 * habits.seen.active_weeks();
        let logs = HABITS.map(|(before, strength)| {
            let of_hour = |hour| habits.usual(hour, strength).log_chance(habits.seen.counted(None, hour).0, days);
            before.ln() + (0..24).map(of_hour).sum::<f64>()
        });
        let most = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let whole: f64 = logs.iter().map(|log| (log - most).exp()).sum();
        habits.probable = logs.map(|log| (log - most).exp() / whole);
        habits
    }

    /// By the rhythm alone: on how many days of a week with visits somebody who comes so often is there in
    /// this hour.
    fn usual(&self, hour: u8, strength: f64) -> Beta {
        let level = f64::from(self.seen.visits) / f64::from(7 * self.seen.active_weeks());
        let usual = (level * self.rhythm.share(hour)).clamp(1e-6, 0.9);
        Beta { yes: strength * usual, no: strength * (1.0 - usual) }
    }

    /// The same after what was seen.
    fn days(&self, hour: u8) -> [(f64, Beta); HABITS.len()] {
        let (seen, days) = (self.seen.counted(None, hour).0, 7 * self.seen.active_weeks());
        std::array::from_fn(|n| (self.probable[n], self.usual(hour, HABITS[n].1).after(seen, days)))
    }

    fn chance(&self, hour: u8) -> f64 {
        self.days(hour).iter().map(|(probable, days)| probable * days.mean()).sum()
    }

    /// The same for this hour of one weekday.
    fn weekdays(&self, weekday: u8, hour: u8) -> Beta {
        let (usual, seen) = (self.chance(hour), self.seen.counted(Some(weekday), hour).0);
        Beta { yes: WEEKDAYS * usual, no: WEEKDAYS * (1.0 - usual) }.after(seen, self.seen.active_weeks().max(seen))
    }

    /// Their own hour, if one stands out.
    fn own(&self, now: Timestamp, quiet: QuietHours) -> Option<Advice> {
        if self.seen.visits < VISITS_MIN || self.seen.days < DAYS_MIN {
            return None;
        }
        let free = || (0..24).filter(|hour| quiet.leave_free(*hour));
        let hour = free().max_by(|a, b| self.chance(*a).total_cmp(&self.chance(*b)).then(b.cmp(a)))?;
        let average = free().map(|hour| self.chance(hour)).sum::<f64>() / f64::from(free().map(|_| 1_u8).sum::<u8>());
        let on = |weekday: u8| self.weekdays(weekday, hour).mean();
        let best = (0..7).max_by(|a, b| on(*a).total_cmp(&on(*b)).then(b.cmp(a)))?;
        let adds = on(best) >= OUTSTANDING * self.chance(hour) && self.seen.counted(Some(best), hour).0 > SEEN_MIN;
        let (weekday, expected) = if adds {
            (Some(best), Expected::of_weeks(self.seen.coming_weeks(), &[(1.0, self.weekdays(best, hour))], 1))
        } else {
            (None, Expected::of_weeks(self.seen.coming_weeks(), &self.days(hour), 7))
        };
        let (seen, of) = self.seen.counted(weekday, hour);
        (seen >= SEEN_MIN && self.chance(hour) >= OUTSTANDING * average).then(|| Advice {
            basis: AdviceBasis::Customer,
            weekday: weekday.map(|day| Weekday::Monday.nth_next(day)),
            hour,
            length: 1,
            seen,
            of,
            share: None,
            expected: Some(expected),
            next: next(now, weekday, hour),
        })
    }

    /// The hours of the company's customers.
    fn companys(&self, now: Timestamp, quiet: QuietHours) -> Option<Advice> {
        let busy = self.rhythm.busiest(quiet)?;
        let (hour, (seen, of)) = (busy.from, self.seen.counted(None, busy.from));
        let expected = || Expected::of_weeks(self.seen.coming_weeks(), &self.days(hour), 7);
        Some(Advice {
            basis: AdviceBasis::Company,
            weekday: None,
            hour,
            length: busy.length,
            seen,
            of,
            share: Some(busy.share),
            expected: (self.seen.visits > 0).then(expected),
            next: next(now, None, hour),
        })
    }
}

impl Advice {
    /// In Chinese.
    pub fn text(&self) -> String {
        let Self { hour, seen, of, .. } = self;
        let (day, until) = (self.weekday.map(weekday_name), hour + self.length);
        let ahead = self
            .expected
            .map(|Expected { mean, low, high, .. }| format!("，未来四周预计 {mean:.1} 天（{low}–{high} 天）"));
        let ahead = ahead.unwrap_or_default();
        match (self.basis, day) {
            (AdviceBasis::Now, _) => "客户此刻在线，现在联系最合适".to_owned(),
            (AdviceBasis::Customer, Some(day)) => {
                format!("{day} {hour}–{until} 点联系较合适：{of} 个{day}中有 {seen} 个来访{ahead}")
            }
            (AdviceBasis::Customer, None) => {
                format!("每天 {hour}–{until} 点联系较合适：{of} 天中有 {seen} 天来访{ahead}")
            }
            (AdviceBasis::Company, _) => {
                let share = self.share.unwrap_or_default() * 100.0;
                format!("本企业客户 {hour}–{until} 点来访最多（占 {share:.0}%），对这位客户的规律还不了解")
            }
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

/// When an hour of one weekday (0 is Monday), or of every day, begins next, later than `now`.
fn next(now: Timestamp, weekday: Option<u8>, hour: u8) -> Timestamp {
    let today = Day::of(now);
    let begins = |day: Day| day.start().plus_millis(i64::from(hour) * HOUR_MS);
    (0..=7)
        .map(|days| today.plus(days))
        .filter(|day| weekday.is_none_or(|wanted| usize::from(wanted) == self::weekday(*day)))
        .map(begins)
        .find(|begin| *begin > now)
        .unwrap_or(now)
}

/// 0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday.
fn weekday(day: Day) -> usize {
    usize::try_from((day.number() + 3).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
#[path = "best_hour_tests.rs"]
mod tests;
