//! Calendar days of Asia/Shanghai and the four windows of the dashboards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{Date, Month};

use crate::kernel::field::FieldError;
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, SHANGHAI_MS, Timestamp};

/// A calendar day in Asia/Shanghai, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

/// The Julian day of 1970-01-01.
const EPOCH_JULIAN: i32 = 2_440_588;

impl Day {
    /// The day an instant falls on in Shanghai.
    pub fn of(instant: Timestamp) -> Self {
        let days = (instant.millis() + SHANGHAI_MS).div_euclid(DAY_MS);
        Self(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0) * DAY_MS - SHANGHAI_MS)
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i32 {
        self.0
    }

    /// The day of the week, 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        usize::try_from((i64::from(self.0) + 3).rem_euclid(7)).unwrap_or_default()
    }

    /// The day with this number.
    pub fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The day `days` later (earlier when negative).
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

/// `YYYY-MM-DD`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = Date::from_julian_day(self.0.saturating_add(EPOCH_JULIAN)).map_err(|_| fmt::Error)?;
        let (month, day) = (u8::from(date.month()), date.day());
        let Ok(year) = u16::try_from(date.year()) else {
            return write!(f, "{:04}-{month:02}-{day:02}", date.year());
        };
        // Made in place: days are in most keys and answers.
        let mut text = *b"0000-00-00";
        put(&mut text[..4], year);
        put(&mut text[5..7], month.into());
        put(&mut text[8..], day.into());
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Writes a number that fits, with zeros in front.
fn put(digits: &mut [u8], mut number: u16) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

impl FromStr for Day {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let day = parse(text).ok_or_else(|| FieldError::new("invalid_day", "日期格式不正确，应为 YYYY-MM-DD"))?;
        // One day has one spelling: `2026-1-5` is rejected.
        if day.to_string() == text {
            Ok(day)
        } else {
            Err(FieldError::new("invalid_day", "日期格式不正确，应为 YYYY-MM-DD"))
        }
    }
}

fn parse(text: &str) -> Option<Day> {
    let mut parts = text.splitn(3, '-');
    let year: i32 = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day: u8 = parts.next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    Some(Day(date.to_julian_day() - EPOCH_JULIAN))
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The hour of the day in Shanghai, 0 to 23.
pub fn hour_of(instant: Timestamp) -> u8 {
    let ms = (instant.millis() + SHANGHAI_MS).rem_euclid(DAY_MS);
    u8::try_from(ms / (3_600 * SECOND_MS)).unwrap_or_default()
}

/// The four windows every number is shown in (汇总, 昨日, 近7天, 近30天).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// 汇总: since the beginning.
    Total,
    /// 昨日: the previous calendar day.
    Yesterday,
    /// 近7天: the last 7 days, today included.
    Last7Days,
    /// 近30天: the last 30 days, today included.
    Last30Days,
}

impl Window {
    /// Every window, in the order of the dashboard.
    pub const ALL: [Self; 4] = [Self::Total, Self::Yesterday, Self::Last7Days, Self::Last30Days];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Yesterday => "yesterday",
            Self::Last7Days => "last_7_days",
            Self::Last30Days => "last_30_days",
        }
    }

    /// The window with this wire name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.name() == name)
    }

    /// First and last day of as many days right before; none for the lifetime.
    pub fn before(self, today: Day) -> Option<(Day, Day)> {
        let (from, to) = self.days(today);
        let from = from?;
        Some((from.plus(from.number() - to.number() - 1), from.plus(-1)))
    }

    /// First and last day, both included; `None` as first for the lifetime window.
    pub fn days(self, today: Day) -> (Option<Day>, Day) {
        match self {
            Self::Total => (None, today),
            Self::Yesterday => (Some(today.plus(-1)), today.plus(-1)),
            Self::Last7Days => (Some(today.plus(-6)), today),
            Self::Last30Days => (Some(today.plus(-29)), today),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_day_reads_back_and_keeps_the_order(a in 0i32..80_000, b in 0i32..80_000) {
            let (a, b) = (Day(a), Day(b));
            prop_assert_eq!(a.to_string().parse::<Day>(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        for (date, weekday) in [("2026-11-23", 0), ("2026-11-29", 6), ("1970-01-01", 3), ("1969-12-28", 6)] {
            assert_eq!(day(date).weekday(), weekday, "{date}");
        }
    }

    #[test]
    fn the_day_turns_at_midnight_in_shanghai() {
        assert_eq!(Day::of(Timestamp::parse("2026-11-20T15:59:59.999Z").unwrap()), day("2026-11-20"));
        assert_eq!(Day::of(Timestamp::parse("2026-11-20T16:00:00Z").unwrap()), day("2026-11-21"));
    }

    #[test]
    fn windows_cross_month_ends_and_leap_days() {
        assert_eq!(Window::Yesterday.days(day("2028-03-01")), (Some(day("2028-02-29")), day("2028-02-29")));
        assert_eq!(Window::Last7Days.days(day("2027-01-03")).0, Some(day("2026-12-28")));
        assert_eq!(Window::Last30Days.days(day("2026-03-01")).0, Some(day("2026-01-31")));
        assert_eq!(Window::Total.days(day("2026-03-01")).0, None);
    }

    #[test]
    fn the_windows_before_cross_them_too() {
        for (window, today, first, last) in [
            (Window::Yesterday, "2028-03-01", "2028-02-28", "2028-02-28"),
            (Window::Yesterday, "2027-03-02", "2027-02-28", "2027-02-28"),
            (Window::Last7Days, "2028-03-03", "2028-02-19", "2028-02-25"),
            (Window::Last7Days, "2028-03-07", "2028-02-23", "2028-02-29"),
            (Window::Last7Days, "2027-03-07", "2027-02-22", "2027-02-28"),
            (Window::Last30Days, "2028-03-30", "2028-01-31", "2028-02-29"),
            (Window::Last30Days, "2027-01-30", "2026-12-02", "2026-12-31"),
        ] {
            assert_eq!(window.before(day(today)), Some((day(first), day(last))), "{today}");
        }
        assert_eq!(Window::Total.before(day("2028-03-01")), None);
    }

    #[test]
    fn the_hours_of_a_day_begin_at_midnight_in_shanghai() {
        for date in ["2026-11-22", "2027-03-01", "2028-02-29", "2028-03-01"] {
            let midnight = day(date).start();
            assert_eq!([-1, 0, 3_599_999, 3_600_000].map(|ms| hour_of(midnight.plus_millis(ms))), [23, 0, 0, 1]);
            assert_eq!([-1, 0].map(|ms| Day::of(midnight.plus_millis(ms))), [day(date).plus(-1), day(date)]);
        }
    }

    #[test]
    fn days_that_do_not_exist_or_are_spelt_otherwise_are_rejected() {
        for text in ["2026-02-29", "2026-13-01", "2026-1-5", "", "-", "2026-11-21T00:00:00Z"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
