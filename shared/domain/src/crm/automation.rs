//! Rules that do something when a customer has done something (自动化): a condition, and actions.
//!
//! A rule hits a customer at most once in its period. Only what visitors do, and time, make a rule look at
//! a customer: what a rule does never does, so no rule sets off another one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::close_rate::evidence::Feature;
use crate::close_rate::model::{Band, Rate};
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{AutomationRuleId, CustomFieldId, MemberId, PersonId, TagId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::{Line, OptionalLine};
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::tracking::event::{Event, EventKind, Target};

/// Most rules of a company.
pub const AUTOMATION_RULES_MAX: usize = 20;
/// Most customers of a company whom its rules hit in a day of Asia/Shanghai: a rule that hits everybody
/// does not fill the lists of its people.
pub const HITS_MAX: u32 = 1_000;
/// Most tags in one list of a rule.
pub const AUTOMATION_TAGS_MAX: usize = 20;
/// Most times that an event is counted: so many moments are kept of a customer and rule.
pub const TIMES_MAX: u8 = 20;
/// The longest time in which events are counted, in days.
pub const WITHIN_DAYS_MAX: u8 = 30;
/// The longest wait of a condition, and the longest period, in days.
const DAYS_MAX: u16 = 365;
/// When rules about time evaluate all customers, in milliseconds of the day of Asia/Shanghai.
const NIGHT_MS: i64 = 3 * DAY_MS / 24;
/// The longest time until a reminder, in hours.
const REMIND_HOURS_MAX: u16 = 720;

/// The name of a rule.
pub type AutomationRuleName = Line<30>;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationRule {
    /// Its id.
    pub id: AutomationRuleId,
    /// Its name.
    pub name: AutomationRuleName,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Since when its events count: since it was made, or counts other events.
    #[serde(rename = "since_ms", with = "crate::kernel::timestamp::as_millis")]
    pub since: Timestamp,
    /// The member who has changed it last, in whose name it gives tags and sets rates.
    pub by: MemberId,
    /// Whom it hits.
    pub condition: AutomationCondition,
    /// What it does.
    pub actions: AutomationActions,
    /// For how many days it does not hit the same customer again.
    pub period_days: u16,
}

/// Whom a rule hits: all of it has to be true of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationCondition {
    /// What they have done; without it a rule looks at all customers every night.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventCondition>,
    /// They were not there for so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_visit_days: Option<u16>,
    /// Nobody has followed them up for so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_follow_up_days: Option<u16>,
    /// They have one of these tags, if there are any.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags_any: BTreeSet<TagId>,
    /// They have none of these tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags_none: BTreeSet<TagId>,
    /// They are in this band of the company's funnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Band>,
    /// There is all of this evidence of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub evidence: BTreeSet<Feature>,
    /// A field of the company's own has this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldCondition>,
}

/// An event, some times within some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCondition {
    /// What they did.
    pub kind: EventKind,
    /// What it was about; anything without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// How often.
    pub times: u8,
    /// Within how many days: the first and the last event lie no further apart.
    pub within_days: u8,
}

/// A value of a field of the company's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldCondition {
    /// The field.
    pub field: CustomFieldId,
    /// Its value as it is stored: a text, the numbers of options.
    pub value: OptionalLine<100>,
}

string_enum! {
    /// Whom a rule reminds. The names are stored: never change one.
    RemindWhom, "unknown_whom", "提醒对象只有 owner 和 author" {
        /// 客户归属人
        Owner = "owner",
        /// 规则设置人
        Author = "author",
    }
}

/// A follow-up that a rule plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationReminder {
    /// Who follows up; of a customer whom nobody owns the author.
    pub whom: RemindWhom,
    /// In how many hours.
    pub in_hours: u16,
}

/// What a rule does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationActions {
    /// Tags it gives.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub add_tags: BTreeSet<TagId>,
    /// Tags it takes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub remove_tags: BTreeSet<TagId>,
    /// The follow-up it plans, unless one is planned already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<AutomationReminder>,
    /// The close rate it sets, on the card that they opened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_rate: Option<Rate>,
    /// Whether the owner gets a notice.
    #[serde(default)]
    pub notify_owner: bool,
}

/// A company's rules, and how far they have looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automation {
    /// The version of the rules that was read; 0 of those that nobody has set.
    pub version: u64,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<AutomationRule>,
    /// The page of the company's feed that was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Uuid>,
    /// The last night in which rules about time have evaluated all customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluated_on: Option<Day>,
    /// The customer whom they have evaluated last in a night that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluated_to: Option<PersonId>,
    /// The day of the last hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_on: Option<Day>,
    /// The hits of that day.
    #[serde(default)]
    pub hits: u32,
}

impl EventCondition {
    /// Whether an event is one of those that are counted.
    pub fn is_met_by(&self, event: &Event) -> bool {
        event.counts() && event.kind == self.kind && self.target.is_none_or(|target| target == event.object.target)
    }

    /// The time in which they are counted.
    pub fn within_ms(&self) -> i64 {
        i64::from(self.within_days) * DAY_MS
    }

    fn check(&self) -> Result<(), FieldError> {
        if self.target.is_some_and(|target| !self.kind.accepts(target)) {
            return Err(FieldError::new("wrong_object", "该事件类型没有这种对象").at("/condition/event/object_id"));
        }
        if !(1..=TIMES_MAX).contains(&self.times) {
            return Err(FieldError::new("out_of_range", "次数应为 1 到 20").at("/condition/event/times"));
        }
        if !(1..=WITHIN_DAYS_MAX).contains(&self.within_days) {
            return Err(FieldError::new("out_of_range", "天数应为 1 到 30").at("/condition/event/within_days"));
        }
        Ok(())
    }
}

impl AutomationCondition {
    fn check(&self) -> Result<(), FieldError> {
        self.event.as_ref().map_or(Ok(()), EventCondition::check)?;
        let days = [
            (self.no_visit_days, "/condition/no_visit_days"),
            (self.no_follow_up_days, "/condition/no_follow_up_days"),
        ];
        for (days, pointer) in days {
            if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
                return Err(FieldError::new("out_of_range", "天数应为 1 到 365").at(pointer));
            }
        }
        if self.event.is_some() && self.no_visit_days.is_some() {
            let refused = FieldError::new("contradictory", "刚刚到访的客户不可能多日未到访，请去掉其中一个条件");
            return Err(refused.at("/condition/no_visit_days"));
        }
        if *self == Self::default() {
            return Err(FieldError::new("required", "请至少设置一个条件").at("/condition"));
        }
        let tags = [(&self.tags_any, "/condition/tags_any"), (&self.tags_none, "/condition/tags_none")];
        tags.into_iter().try_for_each(|(tags, pointer)| check_tags(tags, pointer))
    }
}

impl AutomationActions {
    fn check(&self) -> Result<(), FieldError> {
        if *self == Self::default() {
            return Err(FieldError::new("required", "请至少设置一个动作").at("/actions"));
        }
        if self.add_tags.intersection(&self.remove_tags).next().is_some() {
            return Err(FieldError::new("contradictory", "同一个标签不能既添加又移除").at("/actions/remove_tags"));
        }
        if self.remind.is_some_and(|remind| !(1..=REMIND_HOURS_MAX).contains(&remind.in_hours)) {
            return Err(FieldError::new("out_of_range", "小时数应为 1 到 720").at("/actions/remind/in_hours"));
        }
        check_tags(&self.add_tags, "/actions/add_tags")?;
        check_tags(&self.remove_tags, "/actions/remove_tags")
    }

    /// The tags that it names.
    pub fn tags(&self) -> impl Iterator<Item = TagId> {
        self.add_tags.iter().chain(&self.remove_tags).copied()
    }
}

impl AutomationRule {
    /// The rule's period.
    pub fn period_ms(&self) -> i64 {
        i64::from(self.period_days) * DAY_MS
    }
}

impl Automation {
    /// The night that a moment belongs to, by its day: it begins at three.
    pub fn night_of(now: Timestamp) -> Day {
        Day::of(now.plus_millis(-NIGHT_MS))
    }

    /// Whether a rule about time is switched on.
    pub fn has_night_rules(&self) -> bool {
        self.enabled().any(|rule| rule.condition.event.is_none())
    }

    /// The rules that are switched on.
    pub fn enabled(&self) -> impl Iterator<Item = &AutomationRule> {
        self.rules.iter().filter(|rule| rule.enabled)
    }

    /// How many more customers the rules may hit today.
    pub fn room(&self, now: Timestamp) -> u32 {
        let hits = if self.hit_on == Some(Day::of(now)) { self.hits } else { 0 };
        HITS_MAX.saturating_sub(hits)
    }

    /// Counts hits of today.
    pub fn count(&mut self, hits: u32, now: Timestamp) {
        let before = HITS_MAX - self.room(now);
        (self.hit_on, self.hits) = (Some(Day::of(now)), before + hits);
    }
}

/// Succeeds for the parts of a rule that can be.
///
/// # Errors
/// `out_of_range`, `required`, `contradictory`, `wrong_object` and `too_many` with their places.
pub fn check(condition: &AutomationCondition, actions: &AutomationActions, period_days: u16) -> Result<(), FieldError> {
    if !(1..=DAYS_MAX).contains(&period_days) {
        return Err(FieldError::new("out_of_range", "周期应为 1 到 365 天").at("/period_days"));
    }
    condition.check()?;
    actions.check()
}

fn check_tags(tags: &BTreeSet<TagId>, pointer: &'static str) -> Result<(), FieldError> {
    if tags.len() <= AUTOMATION_TAGS_MAX {
        Ok(())
    } else {
        Err(FieldError::new("too_many", "最多 20 个标签").at(pointer))
    }
}
