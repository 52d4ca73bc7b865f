//! When a planned follow-up is due.

use crate::kernel::day::Day;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::Timestamp;

string_enum! {
    /// When a follow-up is due, by the calendar of Asia/Shanghai.
    FollowUpDue, "unknown_due", "到期只有 overdue、today、this_week 和 later" {
        /// 已逾期
        Overdue = "overdue",
        /// 今天
        Today = "today",
        /// 本周
        ThisWeek = "this_week",
        /// 以后
        Later = "later",
    }
}

impl FollowUpDue {
    /// When what was planned for `at` is due: a moment that is past is overdue, today too; a week ends
    /// with Sunday.
    pub fn of(at: Timestamp, now: Timestamp) -> Self {
        let (day, today) = (Day::of(at), Day::of(now));
        let days_left = 6_usize.saturating_sub(today.weekday());
        if at < now {
            Self::Overdue
        } else if day == today {
            Self::Today
        } else if day <= today.plus(i32::try_from(days_left).unwrap_or_default()) {
            Self::ThisWeek
        } else {
            Self::Later
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_ends_at_midnight_and_the_week_with_sunday() {
        let at = |text| Timestamp::parse(text).unwrap();
        // A Thursday.
        let now = at("2026-11-26T12:00:00+08:00");
        for (planned, due) in [
            ("2026-11-26T11:59:59+08:00", FollowUpDue::Overdue),
            ("2026-11-26T12:00:00+08:00", FollowUpDue::Today),
            ("2026-11-26T23:59:59+08:00", FollowUpDue::Today),
            ("2026-11-27T00:00:00+08:00", FollowUpDue::ThisWeek),
            ("2026-11-29T23:59:59+08:00", FollowUpDue::ThisWeek),
            ("2026-11-30T00:00:00+08:00", FollowUpDue::Later),
        ] {
            assert_eq!(FollowUpDue::of(at(planned), now), due, "{planned}");
        }
        let sunday = at("2026-11-29T12:00:00+08:00");
        assert_eq!(FollowUpDue::of(at("2026-11-30T00:00:00+08:00"), sunday), FollowUpDue::Later);
    }
}
