use uuid::Uuid;

use super::*;
use crate::crm::record::{CustomerRecord, KnownCustomer, Records};
use crate::kernel::id::{DepartmentId, Id, PersonId};
use crate::radar::counter::{Counter, Period, Scope};

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

fn card() -> CardId {
    CardId::from_uuid(Uuid::from_u128(1))
}

fn department() -> DepartmentId {
    DepartmentId::from_uuid(Uuid::from_u128(2))
}

fn addition(card: Option<CardId>) -> Addition {
    Addition {
        at: Timestamp::from_millis(1_795_000_000_000),
        by: MemberId::from_uuid(Uuid::from_u128(3)),
        source: CustomerSource::ByHand,
        card,
        departments: card.map(|_| department()).into_iter().collect(),
        mobile: None,
    }
}

/// An added customer as it is stored, and perhaps a visitor who is the same person.
fn known(visitor: bool) -> KnownCustomer {
    let addition = addition(Some(card()));
    let customer = Customer { version: 1, ..addition.customer() };
    let record = CustomerRecord { version: 1, addition: Some(addition), ..CustomerRecord::default() };
    let mut known = KnownCustomer {
        identities: [(person(1), customer)].into(),
        records: Records::from([(person(1), record)]),
        ..KnownCustomer::default()
    };
    if visitor {
        known.identities.insert(person(2), Customer::default());
    }
    known
}

#[test]
fn an_added_customer_is_one_of_the_card_its_departments_and_the_company() {
    let counted = |card| {
        let deltas = addition(card).contributions();
        let one = |(scope, period, counts): (Scope, Period, std::collections::BTreeMap<_, _>)| {
            assert_eq!((period, counts), (Period::Lifetime, [(Counter::Customers, 1)].into()));
            scope
        };
        let mut scopes: Vec<_> = deltas.changes().map(one).collect();
        scopes.sort();
        scopes
    };
    let mut all = vec![Scope::Card(card()), Scope::Department(department()), Scope::Company];
    all.sort();
    assert_eq!(counted(Some(card())), all);
    assert_eq!(counted(None), [Scope::Company]);
}

#[test]
fn an_added_customer_is_stored_and_read_as_they_are() {
    let state = addition(Some(card())).customer().state;
    assert_eq!(CustomerState::from_bytes(&state.to_bytes()).unwrap(), state);
}

#[test]
fn who_has_visited_came_by_a_visit() {
    assert_eq!((known(false).source(), known(true).source()), (CustomerSource::ByHand, CustomerSource::Visit));
    assert_eq!(KnownCustomer::default().source(), CustomerSource::Visit);
    assert_eq!(known(true).addition(), Some(&addition(Some(card()))));
}

#[test]
fn an_addition_is_taken_back_as_long_as_nobody_has_changed_anything() {
    assert!(known(false).revocable_addition(person(1)).is_some());
    assert_eq!(known(true).revocable_addition(person(1)), None, "one person with a visitor");
    let mut changed = known(false);
    changed.records.get_mut(&person(1)).unwrap().version = 2;
    assert_eq!(changed.revocable_addition(person(1)), None);
    let mut merged_before = known(false);
    merged_before.identities.get_mut(&person(1)).unwrap().version = 2;
    assert_eq!(merged_before.revocable_addition(person(1)), None);
}

#[test]
fn members_take_back_their_own_additions_and_admins_all() {
    let viewer = |n: u128, admin| Viewer { member: MemberId::from_uuid(Uuid::from_u128(n)), card: None, admin };
    let may = [viewer(3, false), viewer(4, false), viewer(4, true)].map(|viewer| viewer.may_revoke(&addition(None)));
    assert_eq!(may, [true, false, true]);
}
