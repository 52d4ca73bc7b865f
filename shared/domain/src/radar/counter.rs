//! The counters of a scope: what is counted, per day and for the lifetime.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::company::department::DepartmentPath;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DepartmentId};
use crate::radar::long_gap;
use crate::radar::seen_days::GapChange;
use crate::tracking::event::{EventKind, ObjectType};
use crate::tracking::filter_reason::FilterReason;

/// The part of a company that numbers belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One card: the staff radar.
    Card(CardId),
    /// The whole company: the boss radar.
    Company,
    /// One department with those below it: what happened on their cards while they were
    /// there. Sorted last, since what a transaction cannot hold is taken from the end.
    Department(DepartmentId),
}

impl Scope {
    /// The scopes whose numbers change when something happens on a card.
    pub fn of(card: CardId, path: &DepartmentPath) -> impl Iterator<Item = Self> {
        [Self::Card(card), Self::Company].into_iter().chain(path.iter().map(Self::Department))
    }
}

/// One day, or everything so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A calendar day in Asia/Shanghai.
    Day(Day),
    /// Since the beginning.
    Lifetime,
}

/// Which people are counted as distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// People who viewed something (客户总数 UV).
    Visitors,
    /// People who opened a chat (沟通总客户数).
    ChatStarters,
    /// People who viewed a product (商城访客).
    Shoppers,
}

/// One number of a scope and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Events of one kind.
    Events(EventKind),
    /// Distinct people of the period.
    People(Audience),
    /// Of a day's people, those whose last seen day before it is this many days earlier.
    Gap(Audience, u16),
    /// People whose first day ever it is.
    Newcomers(Audience),
    /// Cards whose phone was saved for the first time by a person.
    Saves,
    /// Likes in force that were given on the day.
    Likes,
    /// Time spent, in milliseconds.
    DwellMs,
    /// Forwards of one type of object.
    Forwards(ObjectType),
    /// Events within one hour of the day, 0 to 23.
    Hour(u8),
    /// Events that are held back, by reason.
    Filtered(FilterReason),
    /// Follow-up records of the CRM.
    FollowUps,
    /// Paid minus refunded in the shop, in fen.
    SalesFen,
    /// Shop orders ever paid.
    Orders,
    /// People with a closed deal; of the lifetime only.
    ClosedCustomers,
    /// Customers: people who have logged in and of whom something was counted; of the lifetime
    /// only.
    Customers,
}

/// Counters whose stored name has no parts.
const NAMED: [(Counter, &str); 8] = [
    (Counter::Saves, "saves"),
    (Counter::Likes, "likes"),
    (Counter::DwellMs, "dwell"),
    (Counter::FollowUps, "follows"),
    (Counter::SalesFen, "sales"),
    (Counter::Orders, "orders"),
    (Counter::ClosedCustomers, "closed"),
    (Counter::Customers, "customers"),
];

/// Every counter that has a place, with its code: hundreds are written in every transaction.
static CODES: LazyLock<Vec<(Counter, String)>> =
    LazyLock::new(|| Counter::placed().map(|counter| (counter, counter.new_code())).collect());

const AUDIENCES: [Audience; 3] = [Audience::Visitors, Audience::ChatStarters, Audience::Shoppers];

/// Longest gap with a place; longer ones are rare, and kept by name.
const SHORT_GAP_MAX: u16 = long_gap::SHORTEST - 1;

// Where each family of counters begins among all of them.
const FORWARDS: usize = EventKind::ALL.len();
const HOURS: usize = FORWARDS + ObjectType::ALL.len();
const FILTERED: usize = HOURS + 24;
const WITHOUT_PARTS: usize = FILTERED + FilterReason::ALL.len();
const OF_AUDIENCES: usize = WITHOUT_PARTS + NAMED.len();
/// People, newcomers and gaps.
const OF_AN_AUDIENCE: usize = 2 + SHORT_GAP_MAX as usize;
const PLACES: usize = OF_AUDIENCES + AUDIENCES.len() * OF_AN_AUDIENCE;

impl Counter {
    /// Every counter.
    pub fn all() -> impl Iterator<Item = Self> {
        let long =
            |audience: Audience| (long_gap::SHORTEST..=audience.gap_max()).map(move |gap| Self::Gap(audience, gap));
        Self::placed().chain(AUDIENCES.into_iter().flat_map(long))
    }

    /// Every counter but the long gaps, in the order of their places.
    fn placed() -> impl Iterator<Item = Self> {
        let of = |audience| {
            [Self::People(audience), Self::Newcomers(audience)]
                .into_iter()
                .chain((1..=SHORT_GAP_MAX).map(move |gap| Self::Gap(audience, gap)))
        };
        let events = EventKind::ALL.iter().copied().map(Self::Events);
        let events = events.chain(ObjectType::ALL.iter().copied().map(Self::Forwards));
        let events = events.chain((0..24).map(Self::Hour)).chain(FilterReason::ALL.iter().copied().map(Self::Filtered));
        events.chain(NAMED.iter().map(|(counter, _)| *counter)).chain(AUDIENCES.into_iter().flat_map(of))
    }

    /// Its place among [`Counter::placed`]; a long gap has none.
    fn place(self) -> Option<usize> {
        let of = |audience: Audience| OF_AUDIENCES + audience as usize * OF_AN_AUDIENCE;
        Some(match self {
            Self::Events(kind) => kind as usize,
            Self::Forwards(object) => FORWARDS + object as usize,
            Self::Hour(hour) => HOURS + usize::from(hour),
            Self::Filtered(reason) => FILTERED + reason as usize,
            Self::Saves => WITHOUT_PARTS,
            Self::Likes => WITHOUT_PARTS + 1,
            Self::DwellMs => WITHOUT_PARTS + 2,
            Self::FollowUps => WITHOUT_PARTS + 3,
            Self::SalesFen => WITHOUT_PARTS + 4,
            Self::Orders => WITHOUT_PARTS + 5,
            Self::ClosedCustomers => WITHOUT_PARTS + 6,
            Self::Customers => WITHOUT_PARTS + 7,
            Self::People(audience) => of(audience),
            Self::Newcomers(audience) => of(audience) + 1,
            Self::Gap(audience, gap) if gap <= SHORT_GAP_MAX => of(audience) + 1 + usize::from(gap),
            Self::Gap(..) => return None,
        })
    }

    /// The name it is stored under: short, since each day item holds many. Never change one.
    pub fn code(self) -> &'static str {
        match (self.place(), self) {
            (Some(place), _) => CODES.get(place).map_or("", |(_, code)| code),
            (None, Self::Gap(audience, gap)) => long_gap::code(audience as usize, gap).unwrap_or(""),
            (None, _) => "",
        }
    }

    fn new_code(self) -> String {
        match self {
            Self::Events(kind) => format!("e{}", kind.code()),
            Self::People(audience) => audience.letter().to_string(),
            Self::Gap(audience, gap) => format!("{}{gap}", audience.letter().to_ascii_uppercase()),
            Self::Newcomers(audience) => format!("n{}", audience.letter()),
            Self::Forwards(object) => format!("o{}", object.letter()),
            Self::Hour(hour) => format!("h{hour}"),
            Self::Filtered(reason) => format!("x{}", reason.letter()),
            Self::Saves
            | Self::Likes
            | Self::DwellMs
            | Self::FollowUps
            | Self::SalesFen
            | Self::Orders
            | Self::ClosedCustomers
            | Self::Customers => {
                NAMED.iter().find(|(counter, _)| *counter == self).map_or("", |(_, name)| name).to_owned()
            }
        }
    }

    /// The counter stored under `code`.
    pub fn from_code(code: &str) -> Option<Self> {
        if let Some((counter, _)) = NAMED.iter().find(|(_, name)| *name == code) {
            return Some(*counter);
        }
        if let Some(kind) = code.strip_prefix('e') {
            return kind.parse().ok().and_then(EventKind::from_code).map(Self::Events);
        }
        if let Some(audience) = code.strip_prefix('n') {
            return Audience::from_letter(audience).map(Self::Newcomers);
        }
        if let Some(reason) = code.strip_prefix('x') {
            return reason.parse().ok().and_then(FilterReason::from_letter).map(Self::Filtered);
        }
        if let Some(object) = code.strip_prefix('o') {
            return object.parse().ok().and_then(ObjectType::from_letter).map(Self::Forwards);
        }
        if let Some(hour) = code.strip_prefix('h') {
            return hour.parse().ok().filter(|hour| *hour < 24).map(Self::Hour);
        }
        if let Some((family, gap)) = long_gap::from_code(code) {
            return AUDIENCES.get(family).map(|audience| Self::Gap(*audience, gap));
        }
        match Audience::from_letter(code) {
            Some(audience) => Some(Self::People(audience)),
            None => gap(code, Audience::from_capital).map(|(audience, gap)| Self::Gap(audience, gap)),
        }
    }

    /// The gap stored under `code` where it stood until counters had their layout 2: at the day
    /// before it. On the day that many days later it is a [`Counter::Gap`].
    pub fn gap_before(code: &str) -> Option<(u16, Self)> {
        gap(code, Audience::from_letter).map(|(audience, gap)| (gap, Self::Gap(audience, gap)))
    }
}

/// An audience's letter and a gap.
fn gap(code: &str, audience: impl Fn(&str) -> Option<Audience>) -> Option<(Audience, u16)> {
    let (letter, gap) = code.split_at_checked(1)?;
    let gap = gap.parse().ok().filter(|gap| (1..=SHORT_GAP_MAX).contains(gap))?;
    Some((audience(letter)?, gap))
}

impl Audience {
    /// Whether an event of this kind makes a person part of the audience.
    pub fn is_joined_by(self, kind: EventKind) -> bool {
        match self {
            Self::Visitors => kind.is_view(),
            Self::ChatStarters => kind == EventKind::OpenChat,
            Self::Shoppers => kind == EventKind::ViewProduct,
        }
    }

    /// Longest gap that is counted: one less than the days of the longest range of distinct people.
    pub fn gap_max(self) -> u16 {
        if (self as usize) < long_gap::FAMILIES { long_gap::LONGEST } else { SHORT_GAP_MAX }
    }

    fn letter(self) -> char {
        match self {
            Self::Visitors => 'v',
            Self::ChatStarters => 't',
            Self::Shoppers => 'm',
        }
    }

    fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "v" => Some(Self::Visitors),
            "t" => Some(Self::ChatStarters),
            "m" => Some(Self::Shoppers),
            _ => None,
        }
    }

    fn from_capital(letter: &str) -> Option<Self> {
        AUDIENCES.into_iter().find(|audience| audience.letter().to_ascii_uppercase().to_string() == letter)
    }
}

/// The numbers of one scope and period.
pub type Counts = BTreeMap<Counter, i64>;

/// The changes of one scope and period while they are added up: in their places, and of long gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sums {
    placed: Vec<i64>,
    long_gaps: Counts,
}

impl Default for Sums {
    fn default() -> Self {
        Self { placed: vec![0; PLACES], long_gaps: Counts::new() }
    }
}

impl Sums {
    fn add(&mut self, counter: Counter, by: i64) {
        match counter.place() {
            Some(place) => self.placed[place] += by,
            None => *self.long_gaps.entry(counter).or_default() += by,
        }
    }

    fn add_times(&mut self, other: &Self, times: i64) {
        for (sum, by) in self.placed.iter_mut().zip(&other.placed) {
            *sum += times * by;
        }
        for (counter, by) in &other.long_gaps {
            *self.long_gaps.entry(*counter).or_default() += times * by;
        }
    }

    /// Those that are not zero.
    fn counts(&self) -> Counts {
        let placed = CODES.iter().map(|(counter, _)| *counter).zip(self.placed.iter().copied());
        let long = self.long_gaps.iter().map(|(counter, by)| (*counter, *by));
        placed.chain(long).filter(|(_, by)| *by != 0).collect()
    }

    fn is_zero(&self) -> bool {
        self.placed.iter().chain(self.long_gaps.values()).all(|by| *by == 0)
    }
}

/// Changes to many counters, added up before they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CounterDeltas(BTreeMap<(Scope, Period), Sums>);

impl CounterDeltas {
    /// Changes one counter.
    pub fn add(&mut self, scope: Scope, period: Period, counter: Counter, by: i64) {
        self.0.entry((scope, period)).or_default().add(counter, by);
    }

    /// Changes a counter of a day and of the lifetime.
    pub fn add_on(&mut self, scope: Scope, day: Day, counter: Counter, by: i64) {
        self.add(scope, Period::Day(day), counter, by);
        self.add(scope, Period::Lifetime, counter, by);
    }

    /// Adds what the days of a person change in the gap counters of an audience.
    pub(crate) fn add_gap_change(&mut self, scope: Scope, audience: Audience, change: GapChange) {
        match change {
            GapChange::Seen(day, by) => self.add(scope, Period::Day(day), Counter::People(audience), by),
            GapChange::Gap(_, gap, _) if gap > audience.gap_max() => {}
            GapChange::Gap(day, gap, by) => self.add(scope, Period::Day(day), Counter::Gap(audience, gap), by),
            GapChange::First(day, by) => self.add(scope, Period::Day(day), Counter::Newcomers(audience), by),
            GapChange::Lifetime => self.add(scope, Period::Lifetime, Counter::People(audience), 1),
        }
    }

    /// Adds all of the other deltas.
    pub fn add_all(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    /// Subtracts all of the other deltas.
    pub fn subtract_all(&mut self, other: &Self) {
        self.add_times(other, -1);
    }

    fn add_times(&mut self, other: &Self, times: i64) {
        for (place, changes) in &other.0 {
            self.0.entry(*place).or_default().add_times(changes, times);
        }
    }

    /// Keeps this many scopes and periods, departments last, and returns the others.
    #[must_use]
    pub fn split_off(&mut self, kept: usize) -> Self {
        self.0.retain(|_, sums| !sums.is_zero());
        match self.0.keys().nth(kept).copied() {
            Some(first) => Self(self.0.split_off(&first)),
            None => Self::default(),
        }
    }

    /// The counts of a scope, by period.
    pub fn of(&self, scope: Scope) -> impl Iterator<Item = (Period, Counts)> {
        let first = (scope, Period::Day(Day::from_number(i32::MIN)));
        self.0.range(first..=(scope, Period::Lifetime)).map(|((_, period), sums)| (*period, sums.counts()))
    }

    /// The scopes and periods that are touched.
    pub fn periods(&self) -> impl Iterator<Item = (Scope, Period)> {
        self.0.keys().copied()
    }

    /// The changes that are not zero, by scope and period.
    pub fn changes(&self) -> impl Iterator<Item = (Scope, Period, Counts)> {
        self.0.iter().filter_map(|((scope, period), sums)| {
            let changed = sums.counts();
            (!changed.is_empty()).then_some((*scope, *period, changed))
        })
    }

    /// How many scopes and periods have changes that are not zero.
    pub fn changed(&self) -> usize {
        self.0.values().filter(|sums| !sums.is_zero()).count()
    }
}

#[cfg(test)]
#[path = "counter_tests.rs"]
mod tests;
