use uuid::Uuid;

use super::*;
use crate::company::department::DepartmentPath;
use crate::crm::customer::SentBy;
use crate::crm::follow_up::FollowUpPlace;
use crate::crm::identities::Customer;
use crate::crm::opportunity::Deal;
use crate::crm::record::CustomerRecord;
use crate::crm::tag::TagMark;
use crate::kernel::id::{CardId, DealId, Id};
use crate::tracking::event::{Event, EventKind, Object, Target};

fn today() -> Day {
    Day::of(Timestamp::from_millis(1_795_000_000_000))
}

fn on(days_ago: i32) -> Timestamp {
    today().plus(-days_ago).start()
}

fn person() -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(1))
}

fn member() -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(2))
}

fn card() -> CardId {
    CardId::from_uuid(Uuid::from_u128(3))
}

/// A customer of a card, who came 40 days ago.
fn known() -> KnownCustomer {
    let object = Object { target: Target::Card, title: None };
    let (kind, at) = (EventKind::ViewCard, on(40));
    let event = Event { kind, card: card(), object, share_code: None, at, duration_ms: None, filtered: None };
    let mut customer = Customer { version: 1, ..Customer::default() };
    customer.state.apply(SentBy::LoggedIn, &[event], &DepartmentPath::default()).unwrap();
    KnownCustomer { identities: [(person(), customer)].into(), ..KnownCustomer::default() }
}

fn with_record(change: impl FnOnce(&mut CustomerRecord)) -> KnownCustomer {
    let (mut known, mut record) = (known(), CustomerRecord::default());
    change(&mut record);
    known.records.insert(person(), record);
    known
}

/// Switched on a year ago: 30 days without a follow-up, a warning of 5 days.
fn rule() -> RecycleRule {
    RecycleRule {
        id: RecycleRuleId::from_uuid(Uuid::from_u128(9)),
        name: RecycleRuleName::parse("三十天未跟进").unwrap(),
        enabled_on: Some(today().plus(-365)),
        cause: RecycleCause::NoFollowUp,
        days: 30,
        warn_days: 5,
        tags: BTreeSet::new(),
        band: None,
        source: None,
    }
}

/// How many days from today the rule hits.
fn due(rule: &RecycleRule, known: &KnownCustomer) -> Option<i32> {
    let (tags, model) = (TagBook::default(), Model::default());
    let context = RecycleContext { tags: &tags, model: &model, today: today() };
    rule.due(known, context).map(|due| due.on.number() - today().number())
}

#[test]
fn days_count_from_the_last_follow_up_or_from_the_day_somebody_came_to_own_them() {
    assert_eq!(due(&rule(), &known()), Some(-10));
    let followed_up = with_record(|record| record.follow_ups.add(on(12), &FollowUpPlace::default()).unwrap());
    assert_eq!(due(&rule(), &followed_up), Some(18));
    let decision =
        |owner| crate::crm::ownership::Ownership { at: on(3), by: None, owner, reason: OwnershipReason::Claimed };
    let claimed = with_record(|record| record.ownership = Some(decision(Some(member()))));
    assert_eq!(due(&rule(), &claimed), Some(27));
    let unowned = with_record(|record| record.ownership = Some(decision(None)));
    assert_eq!(due(&rule(), &unowned), None, "nobody loses them");
    let erased = with_record(|record| record.erased_at = Some(on(1)));
    assert_eq!(due(&rule(), &erased), None);
}

#[test]
fn nobody_is_hit_without_the_warning_since_the_rule_was_switched_on() {
    let switched_on = |days_ago: i32| RecycleRule { enabled_on: Some(today().plus(-days_ago)), ..rule() };
    assert_eq!(due(&switched_on(2), &known()), Some(3));
    assert_eq!(due(&switched_on(5), &known()), Some(0));
    assert_eq!(due(&RecycleRule { enabled_on: None, ..rule() }, &known()), Some(5), "as if switched on today");
}

#[test]
fn a_deal_counts_for_rules_about_deals_and_a_follow_up_does_not() {
    let mut closed = with_record(|record| record.follow_ups.add(on(1), &FollowUpPlace::default()).unwrap());
    let no_deal = RecycleRule { cause: RecycleCause::NoDeal, ..rule() };
    assert_eq!(due(&no_deal, &closed), Some(-10));
    let deal = Deal { closed_on: today().plus(-20), at: on(8), by: member() };
    let opportunity = &mut closed.identities.get_mut(&person()).unwrap().opportunity;
    opportunity.add_deal(card(), DealId::from_uuid(Uuid::from_u128(1)), deal).unwrap();
    assert_eq!(due(&no_deal, &closed), Some(22));
}

#[test]
fn a_rule_is_about_customers_of_a_tag_a_band_and_a_source() {
    let tag = *TagBook::default().iter().map(|(id, _)| id).collect::<Vec<_>>().first().unwrap();
    let of_tag = RecycleRule { tags: [tag].into(), ..rule() };
    assert_eq!(due(&of_tag, &known()), None);
    let mark = TagMark { at: on(9), by: member() };
    assert_eq!(due(&of_tag, &with_record(|record| _ = record.tags.insert(tag, mark))), Some(-10));
    assert_eq!(due(&RecycleRule { band: Some(Band::Below50), ..rule() }, &known()), Some(-10));
    assert_eq!(due(&RecycleRule { band: Some(Band::Below80), ..rule() }, &known()), None);
    assert_eq!(due(&RecycleRule { source: Some(CustomerSource::Visit), ..rule() }, &known()), Some(-10));
    assert_eq!(due(&RecycleRule { source: Some(CustomerSource::Import), ..rule() }, &known()), None);
}

#[test]
fn the_first_rule_that_is_switched_on_recycles_once() {
    let (tags, model) = (TagBook::default(), Model::default());
    let context = RecycleContext { tags: &tags, model: &model, today: today() };
    let rules = [RecycleRule { enabled_on: None, ..rule() }, RecycleRule { days: 50, ..rule() }];
    let mut known = known();
    assert_eq!(known.recycled(person(), &rules, (context, on(0))), None);
    assert_eq!(known.recycle_due(&rules, context).map(|due| due.on), Some(today().plus(10)));
    let (due, changed) = known.recycled(person(), &[rule()], (context, on(0))).unwrap();
    assert_eq!((due.on, due.rule), (today().plus(-10), rule().id));
    known.records.extend(changed);
    assert_eq!((known.owner(), known.ownership().unwrap().by), (None, None));
    assert_eq!(known.recycled(person(), &[rule()], (context, on(-60))), None, "once");
}

#[test]
fn each_number_has_its_limits() {
    let is_right = |days, warn_days| RecycleRule { days, warn_days, ..rule() }.check().is_ok();
    assert!(is_right(1, 0) && is_right(3_650, 30));
    assert!(!is_right(0, 0) && !is_right(3_651, 0) && !is_right(1, 31));
}
