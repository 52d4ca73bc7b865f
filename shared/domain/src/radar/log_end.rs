//! Where the event log ends: what people without a login have done is kept for [`ANONYMOUS_DAYS`],
//! everything else for good. The counters of older days stand as they were last checked.

use std::collections::{BTreeMap, BTreeSet};

use crate::kernel::day::Day;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::radar::counter::{Counter, Counts, Period};

/// How long a segment of somebody without a login is kept after it was received: the 400 days that
/// any range of days can be asked for.
pub const ANONYMOUS_DAYS: i32 = 400;
/// Days of the log that are whole. An anonymous identity lives for hours and sends for a week more,
/// so nobody who did something on these days has lost a segment, unless they have logged in.
const WHOLE_DAYS: i32 = 380;

/// When a segment of somebody without a login is forgotten.
pub fn forgotten_at(received_at: Timestamp) -> Timestamp {
    received_at.plus_millis(i64::from(ANONYMOUS_DAYS) * DAY_MS)
}

/// The first day of which the log is whole.
pub fn whole_since(today: Day) -> Day {
    today.plus(-WHOLE_DAYS)
}

/// What the counters of a scope must be where the log ends on the day `since`: on the days before
/// it as they are, and for the lifetime by as much more as those days hold more than the log.
#[must_use]
pub fn with_forgotten(
    mut expected: BTreeMap<Period, Counts>,
    stored: &BTreeMap<Period, Counts>,
    since: Day,
) -> BTreeMap<Period, Counts> {
    let is_old = |period: &&Period| matches!(period, Period::Day(day) if *day < since);
    let old: BTreeSet<_> = expected.keys().chain(stored.keys()).filter(is_old).copied().collect();
    for period in old {
        let before = expected.remove(&period).unwrap_or_default();
        let kept = stored.get(&period).cloned().unwrap_or_default();
        let counters: BTreeSet<_> = before.keys().chain(kept.keys()).copied().collect();
        for counter in counters {
            let value = |counts: &Counts| counts.get(&counter).copied().unwrap_or_default();
            if let Some(sum) = lifetime_of(counter) {
                *expected.entry(Period::Lifetime).or_default().entry(sum).or_default() += value(&kept) - value(&before);
            }
        }
        expected.insert(period, kept);
    }
    expected
}

/// The lifetime counter that is the sum of a counter of days.
fn lifetime_of(counter: Counter) -> Option<Counter> {
    match counter {
        // People are counted by the first of their days.
        Counter::People(_) | Counter::Gap(..) => None,
        Counter::Newcomers(audience) => Some(Counter::People(audience)),
        Counter::Events(_) | Counter::Forwards(_) | Counter::Hour(_) | Counter::Filtered(_) => Some(counter),
        Counter::Saves | Counter::Likes | Counter::DwellMs => Some(counter),
        // Those are of the lifetime alone, or not of the log.
        Counter::Customers | Counter::ClosedCustomers => None,
        Counter::FollowUps | Counter::SalesFen | Counter::Orders => None,
    }
}

#[cfg(test)]
#[path = "log_end_tests.rs"]
mod tests;
