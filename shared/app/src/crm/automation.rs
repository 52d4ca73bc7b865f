//! A company's rules of automation: set, and what they did.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::book::CompanyBook;
use domain::crm::automation::{AUTOMATION_RULES_MAX, Automation, AutomationActions, AutomationCondition};
use domain::crm::automation::{AutomationRule, AutomationRuleName};
use domain::crm::command::CustomerError;
use domain::crm::custom_field::CustomFieldBook;
use domain::crm::profile::ProfileField;
use domain::crm::tag::TagBook;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{AutomationRuleId, MemberId};
use domain::kernel::text::OptionalLine;

use store::AutomationLogEntry;
use uuid::Uuid;

use crate::Flow;

/// A rule as an admin wants it.
#[derive(Debug, Clone)]
pub struct AutomationDraft {
    /// The rule that it replaces; none for a new one.
    pub id: Option<AutomationRuleId>,
    /// The name.
    pub name: AutomationRuleName,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whom it hits.
    pub condition: AutomationCondition,
    /// What it does.
    pub actions: AutomationActions,
    /// For how many days it does not hit the same customer again.
    pub period_days: u16,
}

/// What a rule has done, and the name of the customer if members have given one.
pub type NamedHit = (AutomationLogEntry, String);

/// What rules may name.
struct Named<'a> {
    before: &'a [AutomationRule],
    tags: &'a TagBook,
    fields: &'a CustomFieldBook,
}

/// Replaces a company's rules by those of the next version; returns them. The same again changes nothing.
///
/// # Errors
/// [`CustomerError::Field`] for what cannot be, [`Failure::VersionConflict`] when somebody else has changed
/// them.
pub async fn set_rules(
    flow: &Flow<'_>,
    company: Company,
    by: MemberId,
    (version, drafts): (u64, Vec<AutomationDraft>),
) -> Result<Automation, CustomerError> {
    let (before, tags, fields) = flow.store.automation_and_books(company).await?;
    let named = Named { before: &before.rules, tags: &tags, fields: &fields };
    let rules = rules_of(flow, by, &named, drafts)?;
    if rules == before.rules {
        return Ok(before);
    }
    if version != before.version {
        return Err(Failure::VersionConflict.into());
    }
    let (actor, action) = (AuditActor::Member(by), AuditAction::AutomationRules);
    let audit = flow.audit_change(actor, action, company.id(), Some(&before.rules), Some(&rules))?;
    flow.store.set_automation(company, &before, &rules, &audit).await?;
    Ok(Automation { version: before.version + 1, rules, ..before })
}

/// What a rule has done, the latest first, each with the name of the customer. Two calls.
///
/// # Errors
/// [`Failure::NotFound`] without such a rule, unless it has done something before it was deleted;
/// [`Failure::Corrupt`] when something cannot be read.
pub async fn log(
    flow: &Flow<'_>,
    company: Company,
    rule: AutomationRuleId,
    (after, limit): (Option<Uuid>, u32),
) -> Result<(Vec<NamedHit>, Option<Uuid>), Failure> {
    let page = flow.store.automation_log(company, rule, after, limit).await?;
    let stands = !page.items.is_empty() || flow.store.automation(company).await?.rules.iter().any(|it| it.id == rule);
    if !stands {
        return Err(Failure::NotFound);
    }
    Ok((named(flow, company, page.items, None).await?, page.next))
}

/// The notices of a member, the latest first, each with the name of the customer, but for customers whose owner
/// was decided anew since. Two calls.
///
/// # Errors
/// [`Failure::Corrupt`] when something cannot be read.
pub async fn notices(
    flow: &Flow<'_>,
    company: Company,
    member: MemberId,
    (after, limit): (Option<Uuid>, u32),
) -> Result<(Vec<NamedHit>, Option<Uuid>), Failure> {
    let page = flow.store.automation_notices(company, member, after, limit).await?;
    Ok((named(flow, company, page.items, Some(member)).await?, page.next))
}

/// Each with the name of the customer; of somebody who had everything erased nothing is told.
async fn named(
    flow: &Flow<'_>,
    company: Company,
    entries: Vec<AutomationLogEntry>,
    owner: Option<MemberId>,
) -> Result<Vec<NamedHit>, Failure> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let persons: BTreeSet<_> = entries.iter().map(|entry| entry.hit.person).collect();
    let records = flow.store.customer_records(company, &Vec::from_iter(persons)).await?;
    let named = |entry: AutomationLogEntry| {
        let record = records.get(&entry.hit.person)?;
        let decided = record.ownership.filter(|decision| decision.at > entry.hit.at && decision.owner != owner);
        let is_told = record.erased_at.is_none() && (owner.is_none() || decided.is_none());
        is_told.then(|| (entry, record.profile.text(ProfileField::Name).to_owned()))
    };
    Ok(entries.into_iter().filter_map(named).collect())
}

/// The rules of these drafts. Who changes nothing of a rule is not its author.
fn rules_of(
    flow: &Flow<'_>,
    by: MemberId,
    named: &Named<'_>,
    drafts: Vec<AutomationDraft>,
) -> Result<Vec<AutomationRule>, CustomerError> {
    if drafts.len() > AUTOMATION_RULES_MAX {
        return Err(FieldError::new("too_many", "最多 20 条自动化规则").at("/rules").into());
    }
    let named_ids: BTreeSet<_> = drafts.iter().filter_map(|draft| draft.id).collect();
    let mut rules: Vec<AutomationRule> = Vec::with_capacity(drafts.len());
    for AutomationDraft { id, name, enabled, condition, actions, period_days } in drafts {
        let stands = id.and_then(|id| named.before.iter().find(|rule| rule.id == id));
        if id.is_some_and(|id| stands.is_none() || rules.iter().any(|rule| rule.id == id)) {
            return Err(FieldError::new("unknown_rule", "规则不存在或重复").at("/rules").into());
        }
        let id = id.map_or_else(|| flow.new_id(), Ok)?;
        let mut rule = AutomationRule { id, name, enabled, since: flow.now, by, condition, actions, period_days };
        named.check(&mut rule)?;
        // A new rule that stands already is that one: a request that comes again adds none.
        let is_free = |it: &&AutomationRule| !named_ids.contains(&it.id) && !rules.iter().any(|rule| rule.id == it.id);
        if let Some(stands) = stands.filter(|stands| stands.condition.event == rule.condition.event) {
            rule.since = stands.since;
        }
        let same =
            |it: &&AutomationRule| AutomationRule { id: it.id, since: it.since, by: it.by, ..rule.clone() } == **it;
        let twin = named.before.iter().filter(is_free).find(|it| stands.is_none() && same(it));
        if let Some(same) = twin.or(stands.filter(same)) {
            rule = same.clone();
        }
        rules.push(rule);
    }
    Ok(rules)
}

impl Named<'_> {
    /// Succeeds if the tags and the field of a rule stand, which a rule that stood before needs no more: of
    /// what was deleted since nothing is left to hit or to give.
    fn check(&self, rule: &mut AutomationRule) -> Result<(), FieldError> {
        let stood = self.before.iter().find(|before| before.id == rule.id);
        if stood.is_some_and(|stood| stood.condition == rule.condition && stood.actions == rule.actions) {
            return Ok(());
        }
        let of_condition: Vec<_> = rule.condition.tags_any.iter().chain(&rule.condition.tags_none).copied().collect();
        let of_actions: Vec<_> = rule.actions.tags().collect();
        self.tags.resolve_all(&of_condition).map_err(|error| error.at("/rules"))?;
        self.tags.resolve_all(&of_actions).map_err(|error| error.at("/rules"))?;
        if let Some(condition) = &mut rule.condition.field {
            let unknown = || FieldError::new("unknown_field", "字段不存在或已删除").at("/rules");
            let field = self.fields.entry(condition.field).ok_or_else(unknown)?;
            let value = field.parse(condition.value.as_str()).map_err(|error| error.at("/rules"))?;
            condition.value = OptionalLine::parse(&value).map_err(|error| error.at("/rules"))?;
        }
        Ok(())
    }
}
