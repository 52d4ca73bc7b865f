//! What the rules of automation do to one customer.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::close_rate::model::{Band, Model, Rate};
use crate::crm::automation::{AutomationCondition, AutomationRule, RemindWhom};
use crate::crm::automation_mark::AutomationMark;
use crate::crm::follow_up::NextFollowUp;
use crate::crm::record::{KnownCustomer, Records};
use crate::crm::tag::{TagBook, TagMark, check_count};
use crate::kernel::day::Day;
use crate::kernel::id::{AutomationRuleId, CardId, MemberId, PersonId, TagId};
use crate::kernel::timestamp::{SECOND_MS, Timestamp};
use crate::radar::counter::Scope;
use crate::tracking::event::Event;

/// What rules read customers by.
#[derive(Debug, Clone, Copy)]
pub struct AutomationContext<'a> {
    /// The company's tags.
    pub tags: &'a TagBook,
    /// The model of close rates in force.
    pub model: &'a Model,
    /// Now.
    pub now: Timestamp,
    /// Rules that were found to hit, before they set a rate that may be part of their condition.
    pub decided: &'a BTreeSet<AutomationRuleId>,
}

/// What a rule has done to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationHit {
    /// The rule.
    pub rule: AutomationRuleId,
    /// The identity.
    pub person: PersonId,
    /// When.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// Tags that they have since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<TagId>,
    /// Tags that they have no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<TagId>,
    /// The follow-up that it planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<NextFollowUp>,
    /// The rate that is set since, and on which card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_rate: Option<(CardId, Rate)>,
    /// The owner who got a notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified: Option<MemberId>,
}

/// What the rules make of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutomationOutcome {
    /// The records that change.
    pub changed: Records,
    /// What was done, and the rules that did it.
    pub hits: Vec<AutomationHit>,
}

impl AutomationCondition {
    /// Whether all of it but the event is true of a customer.
    pub fn is_true_of(&self, known: &KnownCustomer, context: AutomationContext<'_>) -> bool {
        let AutomationContext { tags: book, model, now, .. } = context;
        let (merged, today) = (known.merged(), Day::of(now));
        let tags = known.tags(book);
        let has_tag = |tag: &TagId| book.resolve(*tag).is_some_and(|tag| tags.contains_key(&tag));
        let band = || merged.rank_key(Scope::Company, model, today).map(|key| Band::of(key.rate(model, today)));
        let evidence = || merged.state.evidence_in(Scope::Company).on(today);
        let added = known.addition().map(|addition| addition.at);
        let is_idle = |since: Option<Timestamp>, days: u16| {
            since.is_some_and(|since| Day::of(since).plus(i32::from(days)) <= today)
        };
        let last_visit = merged.state.last_visit().max(added);
        let came = merged.state.cards.keys().filter_map(|card| merged.state.first_day_on(*card)).min();
        let last_follow_up = known.last_follow_up().or(added).or(came.map(Day::start));
        self.no_visit_days.is_none_or(|days| is_idle(last_visit, days))
            && self.no_follow_up_days.is_none_or(|days| is_idle(last_follow_up, days))
            && (self.tags_any.is_empty() || self.tags_any.iter().any(has_tag))
            && !self.tags_none.iter().any(has_tag)
            && self.band.is_none_or(|wanted| band() == Some(wanted))
            && (self.evidence.is_empty() || self.evidence.iter().all(|of| evidence().amount(*of) > 0.0))
            && self.field.as_ref().is_none_or(|field| known.custom().text(field.field) == field.value.as_str())
    }
}

impl KnownCustomer {
    /// What the rules that are switched on make of the events of an identity that a page of the feed has;
    /// `None` when the page was counted before. All of them ask how the customer is before any of them does
    /// something. Nobody who is no customer, or had everything erased, is hit.
    pub fn after_events(
        &self,
        (person, page, events): (PersonId, Uuid, &[&Event]),
        rules: &[AutomationRule],
        context: AutomationContext<'_>,
    ) -> Option<AutomationOutcome> {
        if self.erased_at().is_some() || self.record_of(person).automation.page >= Some(page) {
            return None;
        }
        let mut after = self.clone();
        let marks = &mut after.records.entry(person).or_default().automation;
        marks.page = Some(page);
        marks.rules.retain(|id, _| rules.iter().any(|rule| rule.id == *id));
        let mut touched = BTreeMap::new();
        for rule in rules.iter().filter(|rule| rule.enabled) {
            let Some(condition) = &rule.condition.event else { continue };
            let counted = |event: &&&Event| condition.is_met_by(event) && event.at >= rule.since;
            for event in events.iter().filter(counted) {
                let mark = marks.rules.entry(rule.id).or_default();
                mark.forget_before(rule.since);
                mark.count(condition, event.at);
                let last = touched.entry(rule.id).or_insert(event.at);
                *last = event.at.max(*last);
            }
        }
        let mut hits = Vec::new();
        for rule in rules {
            let (Some(at), Some(condition)) = (touched.get(&rule.id), &rule.condition.event) else { continue };
            let mark = after.automation_mark(rule);
            if mark.is_met(condition) && mark.is_over(rule, *at) && self.is_hit_by(rule, context) {
                hits.push(after.apply(person, rule, (*at, context)));
            }
        }
        Some(AutomationOutcome { changed: self.differing(after), hits })
    }

    /// What the rules without an event that are switched on make of them by now.
    pub fn after_night(
        &self,
        person: PersonId,
        rules: &[AutomationRule],
        context: AutomationContext<'_>,
    ) -> AutomationOutcome {
        let (mut after, mut hits) = (self.clone(), Vec::new());
        for rule in rules.iter().filter(|rule| rule.enabled && rule.condition.event.is_none()) {
            let is_over = after.automation_mark(rule).is_over(rule, context.now);
            if is_over && self.erased_at().is_none() && self.is_hit_by(rule, context) {
                hits.push(after.apply(person, rule, (context.now, context)));
            }
        }
        AutomationOutcome { changed: self.differing(after), hits }
    }

    /// Whether a rule is about them, as they are by now and but for what it counts.
    pub fn is_hit_by(&self, rule: &AutomationRule, context: AutomationContext<'_>) -> bool {
        self.is_customer() && (context.decided.contains(&rule.id) || rule.condition.is_true_of(self, context))
    }

    /// What is kept for a rule, of all identities together.
    pub fn automation_mark(&self, rule: &AutomationRule) -> AutomationMark {
        let mut mark = AutomationMark::default();
        for of_identity in self.records.values().filter_map(|record| record.automation.rules.get(&rule.id)) {
            let mut of_identity = of_identity.clone();
            of_identity.forget_before(rule.since);
            mark.join(&of_identity, rule.condition.event.as_ref());
        }
        mark
    }

    fn differing(&self, after: Self) -> Records {
        let is_same = |(person, record): &(PersonId, _)| self.record_of(*person) == *record;
        after.records.into_iter().filter(|one| !is_same(one)).collect()
    }

    /// Does what a rule does, to the records here; rates are only named.
    fn apply(
        &mut self,
        person: PersonId,
        rule: &AutomationRule,
        (at, context): (Timestamp, AutomationContext<'_>),
    ) -> AutomationHit {
        let own = self.records.entry(person).or_default();
        own.automation.rules.entry(rule.id).or_default().hit_ms = Some(at.millis());
        let (added, removed) = self.retag(person, rule, context);
        let owner = self.owner().and_then(|owner| owner.member);
        let planned = self.remind(person, rule, (owner, context.now));
        let card = self.merged().state.cards_by_last_opening().first().map(|(card, _)| *card);
        let close_rate = card.zip(rule.actions.close_rate);
        let notified = owner.filter(|_| rule.actions.notify_owner);
        AutomationHit { rule: rule.id, person, at: context.now, added, removed, planned, close_rate, notified }
    }

    /// Gives and takes the tags of a rule. Those that were deleted since, and those for which the customer has
    /// no room, are left out.
    fn retag(
        &mut self,
        person: PersonId,
        rule: &AutomationRule,
        AutomationContext { tags: book, now, .. }: AutomationContext<'_>,
    ) -> (Vec<TagId>, Vec<TagId>) {
        let before = self.tags(book);
        // Tags that were merged since stand for one.
        let resolved = |tags: &BTreeSet<TagId>| tags.iter().filter_map(|tag| book.resolve(*tag)).collect();
        let (wanted, removed): (BTreeSet<_>, BTreeSet<_>) =
            (resolved(&rule.actions.add_tags), resolved(&rule.actions.remove_tags));
        let is_taken = |tag: &TagId| before.contains_key(tag) && !wanted.contains(tag);
        let removed: Vec<TagId> = removed.into_iter().filter(is_taken).collect();
        let mut added = Vec::new();
        for tag in wanted {
            let has_room = check_count(before.len() - removed.len() + added.len() + 1).is_ok();
            if has_room && !before.contains_key(&tag) {
                added.push(tag);
            }
        }
        for record in self.records.values_mut() {
            record.tags.retain(|tag, _| book.resolve(*tag).is_none_or(|tag| !removed.contains(&tag)));
        }
        let mark = TagMark { at: now, by: rule.by };
        self.records.entry(person).or_default().tags.extend(added.iter().map(|tag| (*tag, mark)));
        (added, removed)
    }

    /// Plans the follow-up of a rule, unless somebody has planned one: what members agreed with a customer
    /// stays.
    fn remind(
        &mut self,
        person: PersonId,
        rule: &AutomationRule,
        (owner, now): (Option<MemberId>, Timestamp),
    ) -> Option<NextFollowUp> {
        let remind = rule.actions.remind?;
        let at = now.plus_millis(i64::from(remind.in_hours) * 3_600 * SECOND_MS);
        if self.next_follow_up().is_some_and(|plan| now <= plan.at) {
            return None;
        }
        let by = match remind.whom {
            RemindWhom::Owner => owner.unwrap_or(rule.by),
            RemindWhom::Author => rule.by,
        };
        let next = NextFollowUp::new(at, by, now).ok().filter(|_| self.directory.is_active(by))?;
        let changed = self.with_next_follow_up(person, Some(next));
        self.records.extend(changed);
        Some(next)
    }
}

#[cfg(test)]
#[path = "automation_tests.rs"]
mod tests;
