//! The days that somebody asks for: any two of the last 400 and all between them.

use crate::kernel::day::Day;
use crate::kernel::field::FieldError;

/// How many days back a range may begin, today included.
pub const RANGE_DAYS_MAX: i32 = 400;
/// Longest range whose people were distinct before longer gaps were counted.
pub const MONTH_DAYS: i32 = 30;
/// Days of a range without a first day.
const DAYS_DEFAULT: i32 = 30;

/// First and last day of a range, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    from: Day,
    to: Day,
    today: Day,
}

impl DayRange {
    /// Checks a range. Without a last day it ends today; without a first one it has 30 days.
    ///
    /// # Errors
    /// At `from` or `to`: in the wrong order, in the future, or more than 399 days ago.
    pub fn new(from: Option<Day>, to: Option<Day>, today: Day) -> Result<Self, FieldError> {
        let oldest = today.plus(1 - RANGE_DAYS_MAX);
        let to = to.unwrap_or(today);
        let from = from.unwrap_or(to.plus(1 - DAYS_DEFAULT).max(oldest));
        if to > today {
            return Err(FieldError::new("in_future", format!("结束日期不能晚于今天（{today}）")).at("to"));
        }
        if to < oldest {
            return Err(FieldError::new(
                "too_early",
                format!("结束日期不能早于 {oldest}：只能查询最近 {RANGE_DAYS_MAX} 天"),
            )
            .at("to"));
        }
        if from > to {
            return Err(FieldError::new("wrong_order", "开始日期不能晚于结束日期").at("from"));
        }
        if from < oldest {
            return Err(FieldError::new(
                "too_early",
                format!("开始日期不能早于 {oldest}：只能查询最近 {RANGE_DAYS_MAX} 天"),
            )
            .at("from"));
        }
        Ok(Self { from, to, today })
    }

    /// First day.
    pub fn from(self) -> Day {
        self.from
    }

    /// Last day.
    pub fn to(self) -> Day {
        self.to
    }

    /// How many days there are.
    pub fn length(self) -> i32 {
        self.to.number() - self.from.number() + 1
    }

    /// As many days right before; none when they begin more than 399 days ago.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        let (from, to) = (self.from.plus(-self.length()), self.from.plus(-1));
        Self::new(Some(from), Some(to), self.today).ok()
    }

    /// Every day, the first one first.
    pub fn days(self) -> impl Iterator<Item = Day> {
        (self.from.number()..=self.to.number()).map(Day::from_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Day {
        "2028-03-01".parse().unwrap()
    }

    fn range(from: i32, to: i32) -> Result<DayRange, FieldError> {
        DayRange::new(Some(today().plus(-from)), Some(today().plus(-to)), today())
    }

    #[test]
    fn any_two_of_the_last_400_days_are_a_range() {
        for (from, to) in [(0, 0), (399, 0), (399, 399), (40, 3)] {
            assert_eq!(range(from, to).map(DayRange::length), Ok(from - to + 1));
        }
        let unasked = DayRange::new(None, None, today()).unwrap();
        assert_eq!((unasked.length(), unasked.to()), (30, today()));
        let oldest = DayRange::new(None, Some(today().plus(-390)), today()).unwrap();
        assert_eq!((oldest.from(), oldest.length()), (today().plus(-399), 10), "as many as there are");
    }

    #[test]
    fn a_range_that_cannot_be_says_which_end_is_wrong() {
        for ((from, to), end, code) in [
            ((3, 4), "from", "wrong_order"),
            ((1, -1), "to", "in_future"),
            ((-1, -1), "to", "in_future"),
            ((400, 0), "from", "too_early"),
            ((401, 400), "to", "too_early"),
        ] {
            let error = range(from, to).unwrap_err();
            assert_eq!((error.pointer, error.code), (end, code), "{from} {to}");
        }
    }

    #[test]
    fn the_range_before_is_as_long_and_ends_the_day_before() {
        let before = range(6, 0).unwrap().before().unwrap();
        assert_eq!((before.from(), before.to()), (today().plus(-13), today().plus(-7)));
        assert_eq!(range(199, 0).unwrap().before().map(DayRange::length), Some(200));
        assert_eq!(range(200, 0).unwrap().before(), None, "it would begin 401 days ago");
    }
}
