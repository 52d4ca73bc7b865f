//! The dashboard's numbers, out of the stored counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::day::{Day, Window};
use crate::kernel::money::Fen;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::{Audience, Counter, Counts};
use crate::radar::day_range::{DayRange, MONTH_DAYS};
use crate::tracking::event::EventKind;

/// The nine metrics of one scope and window.
/// Stored as nine numbers in the order of the fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "[i64; 9]", from = "[i64; 9]")]
pub struct Metrics {
    /// 客户总数 UV: distinct people with a view.
    pub visitors: i64,
    /// 浏览总数 PV: views.
    pub views: i64,
    /// 跟进总数: follow-up records.
    pub follow_ups: i64,
    /// 沟通总客户数: distinct people who opened a chat.
    pub customers_talked_to: i64,
    /// 商城销售金额, refunds taken off.
    pub sales: Fen,
    /// 商城订单数: orders ever paid.
    pub orders: i64,
    /// 被转发总数.
    pub forwards: i64,
    /// 被保存次数.
    pub saves: i64,
    /// 被点赞总数.
    pub likes: i64,
}

impl From<Metrics> for [i64; 9] {
    fn from(of: Metrics) -> Self {
        let (people, talked) = (of.visitors, of.customers_talked_to);
        [people, of.views, of.follow_ups, talked, of.sales.0, of.orders, of.forwards, of.saves, of.likes]
    }
}

impl From<[i64; 9]> for Metrics {
    fn from(stored: [i64; 9]) -> Self {
        let [visitors, views, follow_ups, customers_talked_to, sales, orders, forwards, saves, likes] = stored;
        let sales = Fen(sales);
        Self { visitors, views, follow_ups, customers_talked_to, sales, orders, forwards, saves, likes }
    }
}

/// Events by weekday, Monday first, and hour of the day.
pub type HeatMap = [[i64; 24]; 7];

/// The counters of one scope: its lifetime and its days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// Since the beginning.
    pub lifetime: Counts,
    /// By day; a day without an event may be missing.
    pub days: BTreeMap<Day, Counts>,
    /// When they were recounted last, if ever.
    pub checked_at: Option<Timestamp>,
    /// Whether that recount knew gaps of more than 29 days.
    pub has_long_gaps: bool,
}

impl ScopeCounts {
    /// The nine metrics of a window. The days must reach back to the window's first.
    pub fn metrics(&self, window: Window, today: Day) -> Metrics {
        let (from, to) = window.days(today);
        self.between(from, to)
    }

    /// The nine metrics of at most 400 days, both ends included; of the lifetime without a
    /// first. The days must reach back to the first.
    pub fn between(&self, from: Option<Day>, to: Day) -> Metrics {
        let sum = |counter| self.sum(from, to, counter);
        Metrics {
            visitors: self.people(from, to, Audience::Visitors),
            views: EventKind::ALL.iter().filter(|kind| kind.is_view()).map(|kind| sum(Counter::Events(*kind))).sum(),
            customers_talked_to: self.people(from, to, Audience::ChatStarters),
            forwards: sum(Counter::Events(EventKind::Forward)),
            saves: sum(Counter::Saves),
            likes: sum(Counter::Likes),
            follow_ups: sum(Counter::FollowUps),
            sales: Fen(sum(Counter::SalesFen)),
            orders: sum(Counter::Orders),
        }
    }

    /// The nine metrics of the lifetime, for callers who have read no days.
    pub fn of_lifetime(lifetime: Counts) -> Metrics {
        let anywhen = Day::from_number(0);
        Self { lifetime, ..Self::default() }.metrics(Window::Total, anywhen)
    }

    /// One counter in a window. The days must reach back to the window's first.
    pub fn in_window(&self, window: Window, today: Day, counter: Counter) -> i64 {
        let (from, to) = window.days(today);
        self.sum(from, to, counter)
    }

    /// Whether the people of a range are distinct. Those of more than 30 days are, unless gaps that
    /// long may be missing: they were not counted before 2026-11-27, and a recount fills them in. The
    /// days must reach from the first to the last, and the lifetime be there for more than 30.
    pub fn is_exact(&self, range: DayRange) -> bool {
        let mut seen = self.days.range(range.from()..=range.to()).map(|(day, _)| day.number());
        let first = seen.next();
        let span = seen.next_back().zip(first).map_or(1, |(last, first)| last - first + 1);
        self.has_long_gaps || span <= MONTH_DAYS
    }

    /// Events of a range by weekday and hour.
    pub fn heat_map(&self, range: DayRange) -> HeatMap {
        let mut map = HeatMap::default();
        for (day, counts) in self.days.range(range.from()..=range.to()) {
            for (counter, events) in counts {
                if let Counter::Hour(hour) = counter {
                    map[day.weekday()][usize::from(*hour)] += events;
                }
            }
        }
        map
    }

    /// The counters of one day.
    pub fn day(&self, day: Day) -> Counts {
        self.days.get(&day).cloned().unwrap_or_default()
    }

    fn sum(&self, from: Option<Day>, to: Day, counter: Counter) -> i64 {
        match from {
            None => count(&self.lifetime, counter),
            Some(from) if from > to => 0,
            Some(from) => self.days.range(from..=to).map(|(_, counts)| count(counts, counter)).sum(),
        }
    }

    /// Distinct people: each is counted on their first seen day of the window, which is no longer
    /// than one day more than [`Audience::gap_max`].
    pub fn people(&self, from: Option<Day>, to: Day, audience: Audience) -> i64 {
        let Some(from) = from else { return count(&self.lifetime, Counter::People(audience)) };
        self.days
            .range(from..=to)
            .map(|(day, counts)| {
                let before = u16::try_from(day.number() - from.number()).unwrap_or(u16::MAX);
                let gaps = Counter::Gap(audience, 0)..=Counter::Gap(audience, before);
                let returned: i64 = counts.range(gaps).map(|(_, people)| people).sum();
                count(counts, Counter::People(audience)) - returned
            })
            .sum()
    }
}

/// One counter, 0 when it was never touched.
pub fn count(counts: &Counts, counter: Counter) -> i64 {
    counts.get(&counter).copied().unwrap_or(0)
}
