//! A rule of automation as the API shows and takes it.

use app::crm::automation::AutomationDraft;
use domain::close_rate::evidence::{FEATURES, Feature};
use domain::close_rate::model::Band;
use domain::crm::automation::{AUTOMATION_TAGS_MAX, AutomationActions, AutomationCondition, AutomationReminder};
use domain::crm::automation::{AutomationRule, AutomationRuleName, EventCondition, FieldCondition, RemindWhom, check};
use domain::kernel::field::FieldError;
use domain::kernel::id::{AutomationRuleId, CustomFieldId, TagId};
use domain::kernel::list::UniqueList;
use domain::kernel::text::OptionalLine;
use domain::tracking::event::{EventKind, Target};
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::close_rate::Percent;

/// Tags of a rule.
type RuleTags = UniqueList<TagId, AUTOMATION_TAGS_MAX>;

/// Kinds of evidence.
type RuleEvidence = UniqueList<Feature, FEATURES>;

/// A rule of automation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutomationRuleBody {
    /// Its id. `null` for a new rule.
    rule_id: Option<AutomationRuleId>,
    /// Its name, at most 30 characters.
    name: AutomationRuleName,
    /// Whether it is switched on.
    enabled: bool,
    /// Whom it hits: all that is set has to be true of a customer, and something has to be set.
    condition: ConditionBody,
    /// What it does: at least one thing.
    actions: ActionsBody,
    /// For how many days it does not hit the same customer again: 1 to 365.
    period_days: u16,
}

/// Whom a rule hits.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionBody {
    /// What they have done. `null` for a rule that looks at all customers every night.
    event: Option<EventConditionBody>,
    /// They were not there for so many days: 1 to 365. `null` without that, and with an event.
    no_visit_days: Option<u16>,
    /// Nobody has followed them up for so many days: 1 to 365. `null` without that.
    no_follow_up_days: Option<u16>,
    /// They have one of these tags. Empty without that.
    tags_any: RuleTags,
    /// They have none of these tags.
    tags_none: RuleTags,
    /// They are in this band of the company's funnel. `null` without that.
    band: Option<Band>,
    /// There is evidence of all of this. Empty without that.
    evidence: RuleEvidence,
    /// A field of the company's own has this value. `null` without that.
    field: Option<FieldConditionBody>,
}

/// An event, some times within some days.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventConditionBody {
    /// What they did, logged in.
    kind: EventKind,
    /// The product, article or video it was about. `null` for any.
    #[schema(value_type = Option<String>)]
    object_id: Option<ObjectId>,
    /// How often: 1 to 20.
    times: u8,
    /// Within how many days: 1 to 30.
    within_days: u8,
}

/// A value of a field of the company's own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldConditionBody {
    /// The field.
    field_id: CustomFieldId,
    /// Its value, in the form in which it is set; empty for customers without one.
    value: OptionalLine<100>,
}

/// What a rule does.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionsBody {
    /// Tags it gives.
    add_tags: RuleTags,
    /// Tags it takes.
    remove_tags: RuleTags,
    /// The follow-up it plans, unless one is planned already. `null` without that.
    remind: Option<ReminderBody>,
    /// The close rate it sets on the card that they opened last, in percent: 0 to 100. `null` without that.
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 100)]
    close_rate_percent: Option<Percent>,
    /// Whether the owner gets a notice.
    notify_owner: bool,
}

/// A follow-up that a rule plans.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReminderBody {
    /// Who follows up: `owner`, or `author`, who has changed the rule last and stands in for a missing owner.
    whom: RemindWhom,
    /// In how many hours: 1 to 720.
    in_hours: u16,
}

/// The id of a product, an article or a video.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct ObjectId(Target);

impl TryFrom<String> for ObjectId {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        let product = text.parse().map(Target::Product).ok();
        let article = || text.parse().map(Target::Article).ok();
        let video = || text.parse().map(Target::Video).ok();
        let target = product.or_else(article).or_else(video);
        target.map(Self).ok_or_else(|| FieldError::new("invalid_id", "对象编号不正确"))
    }
}

impl From<ObjectId> for String {
    fn from(ObjectId(target): ObjectId) -> Self {
        target.id().unwrap_or_default()
    }
}

impl AutomationRuleBody {
    /// The rule as it is wanted.
    ///
    /// # Errors
    /// The first wrong value, with its place.
    fn draft(self) -> Result<AutomationDraft, FieldError> {
        let Self { rule_id, name, enabled, condition, actions, period_days } = self;
        let (condition, actions) = (condition.condition(), actions.actions());
        check(&condition, &actions, period_days)?;
        Ok(AutomationDraft { id: rule_id, name, enabled, condition, actions, period_days })
    }
}

impl ConditionBody {
    fn condition(self) -> AutomationCondition {
        let Self { event, no_visit_days, no_follow_up_days, tags_any, tags_none, band, evidence, field } = self;
        let event = event.map(|EventConditionBody { kind, object_id, times, within_days }| EventCondition {
            kind,
            target: object_id.map(|ObjectId(target)| target),
            times,
            within_days,
        });
        let field = field.map(|FieldConditionBody { field_id, value }| FieldCondition { field: field_id, value });
        let evidence = evidence.as_slice().iter().copied().collect();
        let [tags_any, tags_none] = [tags_any, tags_none].map(|tags| tags.as_slice().iter().copied().collect());
        AutomationCondition { event, no_visit_days, no_follow_up_days, tags_any, tags_none, band, evidence, field }
    }
}

impl ActionsBody {
    fn actions(self) -> AutomationActions {
        let Self { add_tags, remove_tags, remind, close_rate_percent, notify_owner } = self;
        let [add_tags, remove_tags] = [add_tags, remove_tags].map(|tags| tags.as_slice().iter().copied().collect());
        let remind = remind.map(|ReminderBody { whom, in_hours }| AutomationReminder { whom, in_hours });
        let close_rate = close_rate_percent.map(|Percent(rate)| rate);
        AutomationActions { add_tags, remove_tags, remind, close_rate, notify_owner }
    }
}

impl From<AutomationRule> for AutomationRuleBody {
    fn from(AutomationRule { id, name, enabled, condition, actions, period_days, .. }: AutomationRule) -> Self {
        let (condition, actions) = (condition.into(), actions.into());
        Self { rule_id: Some(id), name, enabled, condition, actions, period_days }
    }
}

impl From<AutomationCondition> for ConditionBody {
    fn from(condition: AutomationCondition) -> Self {
        let event = condition.event.map(|EventCondition { kind, target, times, within_days }| EventConditionBody {
            kind,
            object_id: target.map(ObjectId),
            times,
            within_days,
        });
        let field =
            condition.field.map(|FieldCondition { field, value }| FieldConditionBody { field_id: field, value });
        let evidence = UniqueList::parse(condition.evidence.into_iter().collect()).unwrap_or_default();
        let [tags_any, tags_none] = [condition.tags_any, condition.tags_none].map(tags);
        let AutomationCondition { no_visit_days, no_follow_up_days, band, .. } = condition;
        Self { event, no_visit_days, no_follow_up_days, tags_any, tags_none, band, evidence, field }
    }
}

impl From<AutomationActions> for ActionsBody {
    fn from(actions: AutomationActions) -> Self {
        let AutomationActions { add_tags, remove_tags, remind, close_rate, notify_owner } = actions;
        let [add_tags, remove_tags] = [add_tags, remove_tags].map(tags);
        let remind = remind.map(|AutomationReminder { whom, in_hours }| ReminderBody { whom, in_hours });
        let close_rate_percent = close_rate.map(Percent);
        Self { add_tags, remove_tags, remind, close_rate_percent, notify_owner }
    }
}

/// The rules as they are wanted.
///
/// # Errors
/// The first wrong value, with its place.
pub(crate) fn drafts(rules: Vec<AutomationRuleBody>) -> Result<Vec<AutomationDraft>, Problem> {
    let draft = |(place, rule): (usize, AutomationRuleBody)| {
        rule.draft().map_err(|error| Problem::field(&format!("/rules/{place}{}", error.pointer), &error.at("")))
    };
    rules.into_iter().enumerate().map(draft).collect()
}

fn tags(tags: std::collections::BTreeSet<TagId>) -> RuleTags {
    UniqueList::parse(tags.into_iter().collect()).unwrap_or_default()
}
