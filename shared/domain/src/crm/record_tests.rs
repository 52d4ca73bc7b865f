use uuid::Uuid;

use super::*;
use crate::crm::automation::{AUTOMATION_RULES_MAX, TIMES_MAX};
use crate::crm::automation_mark::AutomationMark;
use crate::crm::custom_field::{CUSTOM_FIELDS_MAX, CUSTOM_VALUES_MAX};
use crate::crm::expectation::ExpectationUpdate;
use crate::crm::field_history::FieldValue;
use crate::crm::follow_up::{FOLLOW_UPS_MAX, FollowUpPlace};
use crate::crm::ownership::{COLLABORATORS_MAX, CollaboratorAccess, CollaboratorMark, OwnershipReason};
use crate::crm::profile::{PROFILE_VALUES_MAX, ProfileField};
use crate::crm::tag::{CUSTOMER_TAGS_MAX, TagMark};
use crate::kernel::id::{AutomationRuleId, CardId, CustomFieldId, DepartmentId, Id, MemberId, TagId};
use crate::kernel::mobile::Mobile;
use crate::kernel::money::Fen;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn by() -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(u128::MAX))
}

/// A record in which everything that can grow is as large as it can be.
fn full() -> CustomerRecord {
    let mut record = CustomerRecord { version: u64::MAX, ..CustomerRecord::default() };
    for field in ProfileField::ALL {
        let most = match field {
            ProfileField::Name | ProfileField::Position => 30,
            ProfileField::Company | ProfileField::Email => 100,
            ProfileField::Address => 200,
            ProfileField::Remark => 1_000,
            ProfileField::Mobile => 16,
        };
        for number in 0..2 * PROFILE_VALUES_MAX {
            let at = now().plus_millis(i64::try_from(number).unwrap());
            record.profile.set(*field, FieldValue { at, by: by(), text: "𠮷".repeat(most) });
        }
    }
    for field in 0..CUSTOM_FIELDS_MAX {
        let field = CustomFieldId::from_uuid(Uuid::from_u128(u128::MAX - field as u128));
        for number in 0..2 * CUSTOM_VALUES_MAX {
            let at = now().plus_millis(i64::try_from(number).unwrap());
            record.custom.set(field, FieldValue { at, by: by(), text: "𠮷".repeat(100) });
        }
    }
    for number in 0..FOLLOW_UPS_MAX {
        let id = |part: usize| Uuid::from_u128(u128::MAX - u128::try_from(number * 8 + part).unwrap());
        let departments = (0..5).map(|part| DepartmentId::from_uuid(id(part))).collect();
        let place = FollowUpPlace { card: Some(CardId::from_uuid(id(7))), departments };
        record.follow_ups.add(now().plus_millis(i64::try_from(number).unwrap()), &place).unwrap();
    }
    let tags = (0..CUSTOMER_TAGS_MAX).map(|number| TagId::from_uuid(Uuid::from_u128(number as u128)));
    record.tags = tags.map(|tag| (tag, TagMark { at: now(), by: by() })).collect();
    record.next_follow_up = NextFollowUp::new(now(), by(), now()).ok();
    let update = ExpectationUpdate { day: None, amount: Some(Some(Fen(1))) };
    record.expectation = record.expectation.after(update, by(), now());
    record.addition = Some(Addition {
        at: now(),
        by: by(),
        source: CustomerSource::ByHand,
        card: Some(CardId::from_uuid(Uuid::from_u128(u128::MAX))),
        departments: (0..5).map(|part| DepartmentId::from_uuid(Uuid::from_u128(part))).collect(),
        mobile: Some(Mobile::parse("+86 138 0013 8000").unwrap()),
    });
    let reason = OwnershipReason::HandedOver;
    record.ownership = Some(Ownership { at: now(), by: Some(by()), owner: Some(by()), reason });
    let mark = CollaboratorMark { at: now(), by: by(), access: CollaboratorAccess::View };
    let members = (0..COLLABORATORS_MAX).map(|number| MemberId::from_uuid(Uuid::from_u128(number as u128)));
    record.collaborators = members.map(|member| (member, mark)).collect();
    record.automation.page = Some(Uuid::max());
    let times_ms = vec![now().millis(); usize::from(TIMES_MAX)];
    let mark = AutomationMark { times_ms, hit_ms: Some(now().millis()) };
    let rules = (0..AUTOMATION_RULES_MAX).map(|number| AutomationRuleId::from_uuid(Uuid::from_u128(number as u128)));
    record.automation.rules = rules.map(|rule| (rule, mark.clone())).collect();
    record
}

#[test]
fn a_full_record_fits_into_an_item() {
    let bytes = serde_json::to_string(&full()).unwrap().len();
    assert!((200_000..390_000).contains(&bytes), "{bytes}");
}

#[test]
fn of_several_plans_the_one_made_last_counts_and_a_new_one_replaces_all() {
    let person = |n| PersonId::from_uuid(Uuid::from_u128(n));
    let plan = |ms: i64| NextFollowUp::new(now().plus_millis(ms + 1), by(), now().plus_millis(ms)).unwrap();
    let with = |ms| CustomerRecord { next_follow_up: Some(plan(ms)), ..CustomerRecord::default() };
    let records = Records::from([(person(1), with(5)), (person(2), with(3))]);
    let known = KnownCustomer { records, ..KnownCustomer::default() };
    assert_eq!(known.next_follow_up(), Some(plan(5)));
    let changed = known.with_next_follow_up(person(3), Some(plan(9)));
    assert_eq!(changed.keys().copied().collect::<Vec<_>>(), [person(1), person(2), person(3)]);
    let after = KnownCustomer { records: changed, ..KnownCustomer::default() };
    assert_eq!((after.next_follow_up(), after.records[&person(1)].next_follow_up), (Some(plan(9)), None));
    assert!(KnownCustomer::default().with_next_follow_up(person(1), None).is_empty());
}
