//! Recounting a company from its event log: what every counter and every customer's state
//! must be, how far the stored ones are off, and the report of it.
//!
//! The segments go through the same functions as when they were counted, in any order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crm::customer::CustomerState;
use crate::crm::identities::{Customer, MergedCustomer};
use crate::crm::identity_group::Group;
use crate::crm::opportunity::Opportunity;
use crate::crm::record::CustomerRecord;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DepartmentId, PersonId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::Timestamp;
use crate::radar::aggregate::Segment;
use crate::radar::counter::{Audience, Counter, CounterDeltas, Counts, Period, Scope};

/// Most findings that a report holds: the most wrong ones.
pub const FINDINGS_MAX: usize = 50;

string_enum! {
    /// What a counter is for, as a report sums it up.
    Measure, "unknown_measure", "未知的核对项" {
        /// 客户总数 UV
        Visitors = "visitors",
        /// 新客户
        NewVisitors = "new_visitors",
        /// 已登录客户
        Customers = "customers",
        /// 已成交客户
        ClosedCustomers = "closed_customers",
        /// 浏览总数 PV
        Views = "views",
        /// 沟通总客户数
        CustomersTalkedTo = "customers_talked_to",
        /// 跟进总数
        FollowUps = "follow_ups",
        /// 被转发总数
        Forwards = "forwards",
        /// 被保存次数
        Saves = "saves",
        /// 被点赞总数
        Likes = "likes",
        /// 商城访客
        ShopVisitors = "shop_visitors",
        /// 停留时间
        DwellMs = "dwell_ms",
        /// 其他行为
        OtherEvents = "other_events",
        /// 转发内容
        ForwardedObjects = "forwarded_objects",
        /// 活跃时段
        ActiveHours = "active_hours",
        /// 过滤
        Filtered = "filtered",
    }
}

impl Measure {
    /// What a counter is for; `None` when neither the event log nor the customers know it.
    pub fn of(counter: Counter) -> Option<Self> {
        Some(match counter {
            Counter::Events(kind) if kind.is_view() => Self::Views,
            Counter::Events(crate::tracking::event::EventKind::Forward) => Self::Forwards,
            Counter::Events(_) => Self::OtherEvents,
            Counter::Newcomers(Audience::Visitors) => Self::NewVisitors,
            Counter::People(audience) | Counter::Gap(audience, _) | Counter::Newcomers(audience) => match audience {
                Audience::Visitors => Self::Visitors,
                Audience::ChatStarters => Self::CustomersTalkedTo,
                Audience::Shoppers => Self::ShopVisitors,
            },
            Counter::Customers => Self::Customers,
            Counter::ClosedCustomers => Self::ClosedCustomers,
            Counter::Saves => Self::Saves,
            Counter::Likes => Self::Likes,
            Counter::DwellMs => Self::DwellMs,
            Counter::Forwards(_) => Self::ForwardedObjects,
            Counter::Hour(_) => Self::ActiveHours,
            Counter::Filtered(_) => Self::Filtered,
            Counter::FollowUps => Self::FollowUps,
            Counter::SalesFen | Counter::Orders => return None,
        })
    }
}

/// The counts of the log so far: an amount of memory per person and per scope and period.
#[derive(Debug, Clone, Default)]
pub struct Recount {
    /// The part of each identity.
    customers: BTreeMap<PersonId, CustomerState>,
    /// What members have recorded of each identity, as it is stored.
    opportunities: BTreeMap<PersonId, Opportunity>,
    /// What the counters must be.
    counters: CounterDeltas,
    /// Identities who were seen on more days than a state remembers, which can be counted
    /// in the order of time only.
    beyond: BTreeSet<PersonId>,
    /// The scopes they were seen in.
    beyond_scopes: BTreeSet<Scope>,
    events: u64,
}

impl Recount {
    /// Counts a segment of the log.
    pub fn add(&mut self, segment: &Segment) {
        self.events += u64::try_from(segment.events.len()).unwrap_or_default();
        let person = segment.key.person;
        let customer = self.customers.entry(person).or_default();
        if let Ok(deltas) = customer.apply(segment.by(), &segment.events, &segment.departments) {
            self.counters.add_all(&deltas);
            return;
        }
        self.beyond.insert(person);
        // For a person who was never seen before it can be counted, which yields the scopes.
        if let Ok(deltas) = CustomerState::default().apply(segment.by(), &segment.events, &segment.departments) {
            self.beyond_scopes.extend(deltas.periods().map(|(scope, _)| scope));
        }
    }

    /// Takes an identity as it is stored: the log has forgotten a part of what it did. After the
    /// last segment.
    pub fn recall(&mut self, person: PersonId, stored: &CustomerState) {
        let replayed = self.customers.insert(person, stored.clone()).unwrap_or_default();
        self.counters.subtract_all(&replayed.contributions());
        self.counters.add_all(&stored.contributions());
    }

    /// Takes of an identity what the log does not show, as it is stored: whether it is a member's, and
    /// what was recorded of it. After the last segment, before anybody is united.
    pub fn record(&mut self, person: PersonId, stored: &Customer) {
        if !stored.state.member && stored.opportunity.is_empty() {
            return;
        }
        let before = self.merged([person]).contributions();
        self.customers.entry(person).or_default().member = stored.state.member;
        self.opportunities.insert(person, stored.opportunity.clone());
        self.counters.add_all(&self.merged([person]).contributions());
        self.counters.subtract_all(&before);
    }

    /// Counts what records show of an identity, not the log: its follow-ups, and that it was added.
    pub fn add_record(&mut self, person: PersonId, record: &CustomerRecord) {
        self.counters.add_all(&record.follow_ups.contributions());
        if let Some(addition) = &record.addition {
            let before = self.merged([person]).contributions();
            self.customers.entry(person).or_default().add(addition);
            self.counters.add_all(&self.merged([person]).contributions());
            self.counters.subtract_all(&before);
        }
    }

    /// Makes one person of each group, after the last segment.
    pub fn unite<'a>(&mut self, groups: impl IntoIterator<Item = &'a Group>) {
        for group in groups {
            let members = group.members();
            for part in &members {
                self.counters.subtract_all(&self.merged([*part]).contributions());
            }
            self.counters.add_all(&self.merged(members).contributions());
        }
    }

    /// The person of these identities.
    fn merged(&self, identities: impl IntoIterator<Item = PersonId>) -> MergedCustomer {
        let (nothing, unrecorded) = (CustomerState::default(), Opportunity::default());
        let identities = Vec::from_iter(identities);
        let states = identities.iter().map(|person| self.customers.get(person).unwrap_or(&nothing));
        let recorded = identities.iter().map(|person| self.opportunities.get(person).unwrap_or(&unrecorded));
        MergedCustomer { state: CustomerState::union(states), opportunity: Opportunity::union(recorded) }
    }

    /// Subtracts changes that are not yet in the stored counters.
    pub fn defer(&mut self, waiting: &CounterDeltas) {
        self.counters.subtract_all(waiting);
    }

    /// The state of an identity; `None` when the log cannot show it.
    pub fn customer(&self, person: PersonId) -> Option<CustomerState> {
        (!self.beyond.contains(&person)).then(|| self.customers.get(&person).cloned().unwrap_or_default())
    }

    /// The identities that are in the log.
    pub fn people(&self) -> impl Iterator<Item = PersonId> {
        self.customers.keys().copied()
    }

    /// The scopes in which something has happened.
    pub fn scopes(&self) -> BTreeSet<Scope> {
        self.counters.periods().map(|(scope, _)| scope).collect()
    }

    /// What the counters of a scope must be, by period; `None` when the log cannot show it.
    pub fn counters(&self, scope: Scope) -> Option<BTreeMap<Period, Counts>> {
        (!self.beyond_scopes.contains(&scope)).then(|| self.counters.of(scope).collect())
    }

    /// How many events were counted.
    pub fn events(&self) -> u64 {
        self.events
    }
}

/// What is to be added to stored counters so that they are as they must be. Counters that
/// the log does not know are left alone.
pub fn correction(expected: &Counts, stored: &Counts) -> Counts {
    let value = |counts: &Counts, counter| counts.get(counter).copied().unwrap_or_default();
    let counters: BTreeSet<_> = expected.keys().chain(stored.keys()).collect();
    let of_log = counters.into_iter().filter(|counter| Measure::of(**counter).is_some());
    let corrections = of_log.map(|counter| (*counter, value(expected, counter) - value(stored, counter)));
    corrections.filter(|(_, by)| *by != 0).collect()
}

/// How wrong the counters of a measure were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// How many counters were wrong.
    pub counters: u64,
    /// By how much, added up without signs.
    pub amount: u64,
}

/// A counter that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is for.
    pub measure: Measure,
    /// The card; without one it is a department's or the company's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The department, if it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// The day; without one it is the lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// What was stored.
    pub stored: i64,
    /// The value by the log.
    pub expected: i64,
}

/// What was found in one recount of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecountReport {
    /// When it began.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// Whether what was wrong was repaired too.
    pub repaired: bool,
    /// Events of the log.
    pub events: u64,
    /// Identities in it.
    pub people: u64,
    /// Sets of counters of a scope and period that were compared.
    pub compared: u64,
    /// By measure; a measure that is missing was right.
    pub drift: BTreeMap<Measure, Drift>,
    /// Customers whose state was wrong.
    pub customers: u64,
    /// Sets of counters that could not be compared, because somebody wrote them all the time or
    /// the log goes beyond what a state remembers.
    pub unchecked_counters: u64,
    /// Customers that could not be compared for the same reasons, or whose state cannot be read.
    pub unchecked_customers: u64,
    /// At most [`FINDINGS_MAX`] of the counters, the most wrong first.
    pub findings: Vec<Finding>,
}

impl RecountReport {
    /// The report of a recount that begins.
    pub fn begun(at: Timestamp, repaired: bool) -> Self {
        Self {
            at,
            repaired,
            events: 0,
            people: 0,
            compared: 0,
            drift: BTreeMap::new(),
            customers: 0,
            unchecked_counters: 0,
            unchecked_customers: 0,
            findings: Vec::new(),
        }
    }

    /// Enters the counters of one scope and period with the correction they needed.
    pub fn compared(&mut self, scope: Scope, period: Period, stored: &Counts, correction: &Counts) {
        self.compared += 1;
        let (card, department) = match scope {
            Scope::Card(card) => (Some(card), None),
            Scope::Department(department) => (None, Some(department)),
            Scope::Company => (None, None),
        };
        let day = match period {
            Period::Day(day) => Some(day),
            Period::Lifetime => None,
        };
        for (counter, by) in correction {
            let Some(measure) = Measure::of(*counter) else { continue };
            let drift = self.drift.entry(measure).or_default();
            drift.counters += 1;
            drift.amount += by.unsigned_abs();
            let stored = stored.get(counter).copied().unwrap_or_default();
            self.findings.push(Finding { measure, card, department, day, stored, expected: stored + by });
        }
        if self.findings.len() > 2 * FINDINGS_MAX {
            self.keep_the_greatest();
        }
    }

    /// Ends the report.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.keep_the_greatest();
        self
    }

    fn keep_the_greatest(&mut self) {
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.expected.abs_diff(finding.stored)));
        self.findings.truncate(FINDINGS_MAX);
    }

    /// Counters and customers that were wrong.
    pub fn wrong(&self) -> u64 {
        self.customers + self.drift.values().map(|drift| drift.counters).sum::<u64>()
    }

    /// Counters and customers that were not checked.
    pub fn unchecked(&self) -> u64 {
        self.unchecked_counters + self.unchecked_customers
    }
}

#[cfg(test)]
#[path = "recount_property_tests.rs"]
mod tests;
