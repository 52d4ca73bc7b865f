use proptest::prelude::*;

use super::*;
use crate::close_rate::evidence::Feature;
use crate::company::department::DepartmentPath;
use crate::crm::automation::{AutomationActions, AutomationReminder, EventCondition, check};
use crate::crm::customer::SentBy;
use crate::crm::identities::Customer;
use crate::crm::member_directory::{DirectoryEntry, MemberDirectory};
use crate::kernel::id::{Id, ProductId};
use crate::kernel::text::Line;
use crate::kernel::timestamp::DAY_MS;
use crate::tracking::event::{EventKind, Object, Target};
use crate::tracking::filter_reason::FilterReason;

const HOUR_MS: i64 = DAY_MS / 24;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn person() -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(1))
}

fn member() -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(2))
}

fn author() -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(4))
}

fn card() -> CardId {
    CardId::from_uuid(Uuid::from_u128(3))
}

fn product(n: u128) -> Target {
    Target::Product(ProductId::from_uuid(Uuid::from_u128(n)))
}

fn view(target: Target, hours: i64) -> Event {
    let object = Object { target, title: None };
    let at = now().plus_millis(hours * HOUR_MS);
    let kind = EventKind::ViewProduct;
    Event { kind, card: card(), object, share_code: None, at, duration_ms: None, filtered: None }
}

fn first_tag() -> TagId {
    TagBook::default().iter().next().map(|(tag, _)| tag).unwrap()
}

/// A customer of the member's card.
fn known() -> KnownCustomer {
    let object = Object { target: Target::Card, title: None };
    let (kind, at) = (EventKind::ViewCard, now().plus_millis(-40 * DAY_MS));
    let event = Event { kind, card: card(), object, share_code: None, at, duration_ms: None, filtered: None };
    let mut customer = Customer { version: 1, ..Customer::default() };
    customer.state.apply(SentBy::LoggedIn, &[event], &DepartmentPath::default()).unwrap();
    let entry = |member, card| DirectoryEntry { member, card, department: None, active: true };
    let directory = MemberDirectory::of([entry(member(), Some(card())), entry(author(), None)]);
    KnownCustomer { identities: [(person(), customer)].into(), directory, ..KnownCustomer::default() }
}

/// Product 7 viewed three times in 7 days: a tag, a reminder, a rate, a notice; once in 30 days.
fn rule() -> AutomationRule {
    let event = EventCondition { kind: EventKind::ViewProduct, target: Some(product(7)), times: 3, within_days: 7 };
    AutomationRule {
        id: AutomationRuleId::from_uuid(Uuid::from_u128(9)),
        name: Line::parse("三看智能门锁").unwrap(),
        enabled: true,
        since: now(),
        by: author(),
        condition: AutomationCondition { event: Some(event), ..AutomationCondition::default() },
        actions: AutomationActions {
            add_tags: [first_tag()].into(),
            remind: Some(AutomationReminder { whom: RemindWhom::Owner, in_hours: 2 }),
            close_rate: Rate::from_percent(80).ok(),
            notify_owner: true,
            ..AutomationActions::default()
        },
        period_days: 30,
    }
}

/// Lets a page of events be looked at; returns what was done.
fn look(known: &mut KnownCustomer, page: u128, events: &[Event], rules: &[AutomationRule]) -> Vec<AutomationHit> {
    let (tags, model) = (TagBook::default(), Model::default());
    let at = events.last().map_or(now(), |event| event.at);
    let decided = BTreeSet::new();
    let context = AutomationContext { tags: &tags, model: &model, now: at, decided: &decided };
    let events: Vec<_> = events.iter().collect();
    let Some(outcome) = known.after_events((person(), Uuid::from_u128(page), &events), rules, context) else {
        return Vec::new();
    };
    known.records.extend(outcome.changed);
    outcome.hits
}

#[test]
fn the_third_view_within_the_time_gives_a_tag_a_reminder_a_rate_and_a_notice() {
    let (mut known, rules) = (known(), [rule()]);
    assert!(look(&mut known, 1, &[view(product(7), 0), view(product(8), 1)], &rules).is_empty());
    assert!(look(&mut known, 2, &[view(product(7), 2)], &rules).is_empty());
    let hits = look(&mut known, 3, &[view(product(7), 24)], &rules);
    let [hit] = &hits[..] else { panic!("{hits:?}") };
    assert_eq!((&hit.added[..], hit.notified), (&[first_tag()][..], Some(member())));
    assert_eq!(hit.close_rate, Some((card(), Rate::from_percent(80).unwrap())));
    let planned = hit.planned.unwrap();
    assert_eq!((planned.by, planned.at), (member(), now().plus_millis(26 * HOUR_MS)));
    assert!(known.tags(&TagBook::default()).contains_key(&first_tag()));
    assert_eq!(known.next_follow_up(), Some(planned));
}

#[test]
fn a_page_is_counted_once_and_a_customer_hit_once_in_the_period() {
    let (mut known, rules) = (known(), [rule()]);
    let views = [view(product(7), 0), view(product(7), 1)];
    look(&mut known, 1, &views, &rules);
    assert!(look(&mut known, 1, &views, &rules).is_empty(), "of a page that was counted before");
    assert_eq!(look(&mut known, 2, &[view(product(7), 2)], &rules).len(), 1);
    assert!(look(&mut known, 3, &[view(product(7), 3)], &rules).is_empty(), "within the period");
    let later = 24 * 31;
    let again = [view(product(7), later), view(product(7), later + 1), view(product(7), later + 2)];
    assert_eq!(look(&mut known, 4, &again, &rules).len(), 1, "after it");
}

#[test]
fn what_does_not_count_and_who_is_no_customer_is_left_alone() {
    let bots = Event { filtered: Some(FilterReason::Colleague), ..view(product(7), 0) };
    let views = [bots.clone(), bots.clone(), bots];
    assert!(look(&mut known(), 1, &views, &[rule()]).is_empty());
    let three = [view(product(7), 0), view(product(7), 1), view(product(7), 2)];
    let mut member = known();
    member.identities.values_mut().for_each(|customer| customer.state.member = true);
    assert!(look(&mut member, 1, &three, &[rule()]).is_empty());
    let mut erased = known();
    erased.records.entry(person()).or_default().erased_at = Some(now());
    assert!(look(&mut erased, 1, &three, &[rule()]).is_empty());
    assert!(erased.records[&person()].automation.is_empty());
}

#[test]
fn every_condition_keeps_those_out_of_whom_it_is_not_true() {
    let three = [view(product(7), 0), view(product(7), 1), view(product(7), 2)];
    let hits = |change: &dyn Fn(&mut AutomationCondition)| {
        let mut rule = rule();
        change(&mut rule.condition);
        look(&mut known(), 1, &three, &[rule]).len()
    };
    let field = crate::kernel::id::CustomFieldId::from_uuid(Uuid::from_u128(5));
    let value = |text: &str| crate::kernel::text::OptionalLine::parse(text).unwrap();
    let is = |text: &str| Some(crate::crm::automation::FieldCondition { field, value: value(text) });
    assert_eq!(hits(&|_| {}), 1);
    assert_eq!(hits(&|it| it.tags_any = [first_tag()].into()), 0);
    assert_eq!(hits(&|it| it.tags_none = [first_tag()].into()), 1);
    assert_eq!(hits(&|it| it.band = Some(Band::Below99)), 0);
    assert_eq!(hits(&|it| it.evidence = [Feature::ViewCard].into()), 1);
    assert_eq!(hits(&|it| it.evidence = [Feature::GrantPhone].into()), 0);
    assert_eq!(hits(&|it| it.no_follow_up_days = Some(40)), 1);
    assert_eq!(hits(&|it| it.no_follow_up_days = Some(41)), 0);
    assert_eq!(hits(&|it| it.field = is("")), 1);
    assert_eq!(hits(&|it| it.field = is("北京")), 0);
}

#[test]
fn at_night_who_was_not_there_for_long_is_hit_once() {
    let mut rule = rule();
    rule.condition = AutomationCondition { no_visit_days: Some(40), ..AutomationCondition::default() };
    let (tags, model, mut known) = (TagBook::default(), Model::default(), known());
    let decided = BTreeSet::new();
    let context = AutomationContext { tags: &tags, model: &model, now: now(), decided: &decided };
    let outcome = known.after_night(person(), &[rule.clone()], context);
    assert_eq!(outcome.hits.len(), 1);
    known.records.extend(outcome.changed);
    assert_eq!(known.after_night(person(), &[rule.clone()], context), AutomationOutcome::default());
    rule.condition.no_visit_days = Some(41);
    assert_eq!(self::known().after_night(person(), &[rule], context), AutomationOutcome::default());
}

#[test]
fn a_plan_that_stands_stays() {
    let three = [view(product(7), 0), view(product(7), 1), view(product(7), 2)];
    let planned = |hours: i64| {
        let mut known = known();
        let plan = NextFollowUp::new(now().plus_millis(hours * HOUR_MS), author(), now()).unwrap();
        known.records.entry(person()).or_default().next_follow_up = Some(plan);
        look(&mut known, 1, &three, &[rule()])[0].planned.is_some()
    };
    assert!(!planned(3), "an hour before the reminder");
    assert!(!planned(5), "an hour after it");
    assert!(planned(1), "over by then");
}

#[test]
fn no_rule_sets_off_another_one_and_one_that_is_off_forgets_nothing() {
    let three = [view(product(7), 0), view(product(7), 1), view(product(7), 2)];
    let mut second = rule();
    second.id = AutomationRuleId::from_uuid(Uuid::from_u128(10));
    second.condition.tags_any = [first_tag()].into();
    let (mut known, rules) = (known(), [rule(), second]);
    assert_eq!(look(&mut known, 1, &three, &rules).len(), 1, "the tag was given by the first rule");
    let off = rules.clone().map(|rule| AutomationRule { enabled: false, ..rule });
    assert!(look(&mut known, 2, &three, &off).is_empty());
    let hits = look(&mut known, 3, &three, &rules[..1]);
    assert!(hits.is_empty(), "within the period: {hits:?}");
}

#[test]
fn a_rule_that_counts_other_events_begins_anew() {
    let two = [view(product(7), 0), view(product(7), 1)];
    let (mut known, mut changed) = (known(), rule());
    look(&mut known, 1, &two, &[rule()]);
    changed.condition.event.iter_mut().for_each(|it| it.target = Some(product(8)));
    changed.since = now().plus_millis(2 * HOUR_MS);
    assert!(look(&mut known, 2, &[view(product(8), 3)], &[changed.clone()]).is_empty());
    assert!(look(&mut known, 3, &[view(product(8), 1), view(product(8), 4)], &[changed.clone()]).is_empty());
    assert_eq!(look(&mut known, 4, &[view(product(8), 5)], &[changed]).len(), 1);
}

#[test]
fn a_rate_that_is_part_of_the_condition_takes_no_hit_back() {
    let mut rule = rule();
    rule.condition.band = Some(Band::Below99);
    let (tags, model, three) = (TagBook::default(), Model::default(), [0, 0, 0].map(|hours| view(product(7), hours)));
    let events: Vec<_> = three.iter().collect();
    let hits = |decided: &BTreeSet<AutomationRuleId>| {
        let context = AutomationContext { tags: &tags, model: &model, now: now(), decided };
        let outcome = known().after_events((person(), Uuid::from_u128(1), &events), &[rule.clone()], context);
        outcome.unwrap().hits.len()
    };
    assert_eq!((hits(&BTreeSet::new()), hits(&[rule.id].into())), (0, 1));
}

#[test]
fn a_rule_says_what_cannot_be() {
    let pointer = |change: &dyn Fn(&mut AutomationRule)| {
        let mut rule = rule();
        change(&mut rule);
        check(&rule.condition, &rule.actions, rule.period_days).err().map(|error| error.pointer.to_string())
    };
    let event = |change: fn(&mut EventCondition)| pointer(&|it| change(it.condition.event.as_mut().unwrap()));
    assert_eq!(pointer(&|_| {}), None);
    assert_eq!(pointer(&|it| it.period_days = 0).as_deref(), Some("/period_days"));
    assert_eq!(event(|it| it.times = 21).as_deref(), Some("/condition/event/times"));
    assert_eq!(event(|it| it.within_days = 31).as_deref(), Some("/condition/event/within_days"));
    assert_eq!(event(|it| it.target = Some(Target::Card)).as_deref(), Some("/condition/event/object_id"));
    assert_eq!(pointer(&|it| it.condition = AutomationCondition::default()).as_deref(), Some("/condition"));
    assert_eq!(pointer(&|it| it.actions = AutomationActions::default()).as_deref(), Some("/actions"));
    assert_eq!(pointer(&|it| it.condition.no_visit_days = Some(3)).as_deref(), Some("/condition/no_visit_days"));
    let both = pointer(&|it| it.actions.remove_tags = [first_tag()].into());
    assert_eq!(both.as_deref(), Some("/actions/remove_tags"));
}

/// When a rule hits whoever views at these hours, counted from all of them.
fn expected(hours: &[i64], rule: &AutomationRule) -> Vec<i64> {
    let condition = rule.condition.event.unwrap();
    let mut hits: Vec<i64> = Vec::new();
    for (place, at) in hours.iter().enumerate() {
        let within = hours[..=place].iter().filter(|hour| (at - *hour) * HOUR_MS <= condition.within_ms()).count();
        let is_over = hits.last().is_none_or(|last| (at - last) * HOUR_MS >= rule.period_ms());
        if within >= usize::from(condition.times) && is_over {
            hits.push(*at);
        }
    }
    hits
}

proptest! {
    #[test]
    fn hits_are_those_of_a_count_of_all_events(
        mut hours in prop::collection::vec(0_i64..600, 0..60),
        (times, within_days, period_days) in (1_u8..6, 1_u8..10, 1_u16..12),
    ) {
        hours.sort_unstable();
        let mut rule = rule();
        rule.condition.event.iter_mut().for_each(|it| (it.times, it.within_days) = (times, within_days));
        rule.period_days = period_days;
        let (mut known, mut hits) = (known(), Vec::new());
        for (page, hour) in (1..).zip(&hours) {
            let rules = [rule.clone()];
            hits.extend(look(&mut known, page, &[view(product(7), *hour)], &rules).iter().map(|_| *hour));
        }
        prop_assert_eq!(hits, expected(&hours, &rule));
        let kept = known.records.get(&person()).map_or(0, |record| record.automation.rules[&rule.id].times_ms.len());
        prop_assert!(kept <= usize::from(times));
    }
}
