//! Rules by which customers go back to the pool (公海回收): an owner who has not followed up, or has not
//! closed a deal, for some days loses them, after a warning.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::close_rate::model::{Band, Model};
use crate::crm::addition::CustomerSource;
use crate::crm::ownership::OwnershipReason;
use crate::crm::record::{KnownCustomer, Records};
use crate::crm::tag::TagBook;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{MemberId, PersonId, RecycleRuleId, TagId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::Line;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

/// Most rules of a company.
pub const RECYCLE_RULES_MAX: usize = 20;
/// Most tags of a rule.
pub const RULE_TAGS_MAX: usize = 20;
/// Longest time of a rule, in days.
const DAYS_MAX: u16 = 3_650;
/// Longest warning, in days.
const WARN_DAYS_MAX: u16 = 30;

string_enum! {
    /// What an owner has not done for too long. The names are stored: never change one.
    RecycleCause, "unknown_cause", "回收条件只有 no_follow_up 和 no_deal" {
        /// 未跟进
        NoFollowUp = "no_follow_up",
        /// 未成交
        NoDeal = "no_deal",
    }
}

/// The name of a rule.
pub type RecycleRuleName = Line<30>;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecycleRule {
    /// Its id.
    pub id: RecycleRuleId,
    /// Its name.
    pub name: RecycleRuleName,
    /// Since when it recycles; `None` while it is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_on: Option<Day>,
    /// What the owner has not done.
    pub cause: RecycleCause,
    /// For how many days.
    pub days: u16,
    /// How many days before the owner is warned.
    pub warn_days: u16,
    /// Only customers with one of these tags; all of them without any.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<TagId>,
    /// Only customers in this band of the funnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Band>,
    /// Only customers who came like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<CustomerSource>,
}

/// What rules read customers by.
#[derive(Debug, Clone, Copy)]
pub struct RecycleContext<'a> {
    /// The company's tags.
    pub tags: &'a TagBook,
    /// The model of close rates in force.
    pub model: &'a Model,
    /// The day of Asia/Shanghai.
    pub today: Day,
}

/// When a rule hits a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecycleDue {
    /// The day on which they go back.
    pub on: Day,
    /// The rule.
    pub rule: RecycleRuleId,
    /// The owner, if the directory knows them.
    pub owner: Option<MemberId>,
}

impl RecycleRule {
    /// The rule, if it can be.
    ///
    /// # Errors
    /// `out_of_range` and `too_many` with their places.
    pub fn check(&self) -> Result<(), FieldError> {
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(FieldError::new("out_of_range", "天数应为 1 到 3650").at("/days"));
        }
        if self.warn_days > WARN_DAYS_MAX {
            return Err(FieldError::new("out_of_range", "提前提醒天数应为 0 到 30").at("/warn_days"));
        }
        if self.tags.len() > RULE_TAGS_MAX {
            return Err(FieldError::new("too_many", "最多 20 个标签").at("/tag_ids"));
        }
        Ok(())
    }

    /// When the rule hits a customer as they are known now, switched on or not; `None` for whom nobody owns
    /// and whom the rule is not about. Nobody is hit without the days of warning since it was switched on.
    pub fn due(&self, known: &KnownCustomer, context: RecycleContext<'_>) -> Option<RecycleDue> {
        let owner = known.owner().filter(|_| known.is_customer() && known.erased_at().is_none())?;
        if !self.is_about(known, context) {
            return None;
        }
        let warned = self.enabled_on.unwrap_or(context.today).plus(i32::from(self.warn_days));
        let idle = known.idle_since(self.cause)?.plus(i32::from(self.days));
        Some(RecycleDue { on: idle.max(warned), rule: self.id, owner: owner.member })
    }

    /// Whether another rule hits the same customers at the same time.
    pub fn hits_as(&self, other: &Self) -> bool {
        let as_is = Self { id: self.id, name: self.name.clone(), enabled_on: self.enabled_on, ..other.clone() };
        *self == as_is
    }

    /// Whether another rule is the same, since whenever it is switched on.
    pub fn is_same_but_for_its_id(&self, other: &Self) -> bool {
        self.name == other.name && self.enabled_on.is_some() == other.enabled_on.is_some() && self.hits_as(other)
    }

    fn is_about(&self, known: &KnownCustomer, RecycleContext { tags, model, today }: RecycleContext<'_>) -> bool {
        let merged = known.merged();
        let has_tag = || known.tags(tags).keys().any(|tag| self.tags.iter().any(|it| tags.resolve(*it) == Some(*tag)));
        let band = || merged.rank_key(Scope::Company, model, today).map(|key| Band::of(key.rate(model, today)));
        (self.tags.is_empty() || has_tag())
            && self.band.is_none_or(|wanted| band() == Some(wanted))
            && self.source.is_none_or(|wanted| known.source() == wanted)
    }
}

impl KnownCustomer {
    /// The day since which their owner has done nothing of this kind: the day they came to own them, if
    /// nothing of it was done since.
    fn idle_since(&self, cause: RecycleCause) -> Option<Day> {
        let merged = self.merged();
        let done = match cause {
            RecycleCause::NoFollowUp => self.last_follow_up().map(Day::of),
            RecycleCause::NoDeal => {
                merged.opportunity.deals_in(Scope::Company).into_iter().map(|(_, _, deal)| Day::of(deal.at)).max()
            }
        };
        let owned = match self.ownership() {
            Some(decision) => Some(Day::of(decision.at)),
            None => {
                let added = self.records.values().filter_map(|record| Some(Day::of(record.addition.as_ref()?.at)));
                let visited = merged.state.cards.keys().filter_map(|card| merged.state.first_day_on(*card));
                added.chain(visited).min()
            }
        };
        done.max(owned)
    }

    /// The first day on which one of the rules that are switched on hits them.
    pub fn recycle_due(&self, rules: &[RecycleRule], context: RecycleContext<'_>) -> Option<RecycleDue> {
        let on = rules.iter().filter(|rule| rule.enabled_on.is_some());
        on.filter_map(|rule| rule.due(self, context)).min()
    }

    /// The records that change when they go back to the pool; none when no rule hits them by today.
    pub fn recycled(
        &self,
        person: PersonId,
        rules: &[RecycleRule],
        (context, now): (RecycleContext<'_>, Timestamp),
    ) -> Option<(RecycleDue, Records)> {
        let due = self.recycle_due(rules, context).filter(|due| due.on <= context.today)?;
        let (_, changed) = self.with_owner(person, None, None, (OwnershipReason::Recycled, now));
        Some((due, changed))
    }
}

#[cfg(test)]
#[path = "recycling_tests.rs"]
mod tests;
