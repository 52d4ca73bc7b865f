use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::crm::field_history::FieldValue;
use crate::crm::identities::Customer;
use crate::crm::identity_group::{Group, IdentityLinks};
use crate::crm::ownership::CustomerRight;
use crate::crm::profile::ProfileField;
use crate::crm::viewer::Viewer;
use crate::kernel::id::{CardId, Id, MemberId};
use crate::kernel::timestamp::Timestamp;

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

fn today() -> Day {
    Day::from_number(20_710)
}

/// Somebody who has visited these cards.
fn visitor(version: u64, cards: impl IntoIterator<Item = u128>) -> Customer {
    let mut customer = Customer {
        version,
        links: IdentityLinks { group: Group::default(), ..Default::default() },
        ..Default::default()
    };
    for card in cards {
        customer.state.active_days.met = true;
        customer.state.cards.entry(CardId::from_uuid(Uuid::from_u128(card))).or_default().active_days.met = true;
    }
    customer
}

/// The whole list, as the table holds it.
#[derive(Default)]
struct Table {
    rows: BTreeMap<PersonId, ListedRow>,
    counts: BTreeMap<CustomerListKind, i64>,
}

impl Table {
    fn read(&self, known: &KnownCustomer) -> Listed {
        let identities = known.identities.keys().chain(known.records.keys());
        let rows = identities.filter_map(|person| Some((*person, self.rows.get(person)?.clone()))).collect();
        Listed { rows, ..Listed::default() }
    }

    fn write(&mut self, update: ListUpdate) {
        for (person, version) in update.kept.iter().chain(&update.removed) {
            assert_eq!(self.rows[person].version, *version);
        }
        for (person, _) in update.removed {
            self.rows.remove(&person);
        }
        for (person, row) in update.puts {
            assert_eq!(self.rows.get(&person).map_or(0, |row| row.version), row.version);
            self.rows.insert(person, ListedRow { version: row.version + 1, ..row });
        }
        for (kind, by) in update.counts {
            *self.counts.entry(kind).or_default() += by;
        }
        self.counts.retain(|_, count| *count != 0);
    }
}

proptest! {
    /// Whatever becomes of persons 1 to 4, who may be one or apart: the list has each person once, as they
    /// are, and counts what it has.
    #[test]
    fn the_list_has_everybody_once_and_counts_them(
        steps in prop::collection::vec((0_usize..4, 0_u64..3, prop::collection::btree_set(0_u128..3, 0..3), any::<bool>()), 1..30),
    ) {
        let groupings: [&[&[u128]]; 4] = [&[&[1], &[2], &[3], &[4]], &[&[1, 2], &[3], &[4]], &[&[1, 2, 3], &[4]], &[&[1], &[2, 4], &[3]]];
        let (mut table, mut cards) = (Table::default(), BTreeMap::<u128, Vec<u128>>::new());
        for (step, (grouping, who, seen, is_member)) in steps.into_iter().enumerate() {
            cards.insert(u128::from(who) + 1, seen.into_iter().collect());
            for group in groupings[grouping] {
                let version = step as u64 + 1;
                let identity = |n: &u128| (person(*n), visitor(version, cards.get(n).cloned().unwrap_or_default()));
                let mut known = KnownCustomer { identities: group.iter().map(identity).collect(), ..KnownCustomer::default() };
                if is_member && group.contains(&1) {
                    known.identities.values_mut().for_each(|customer| customer.state.member = true);
                }
                let listed = table.read(&known);
                let update = listed.update(&known, today());
                table.write(update);
                // A second time nothing is written.
                let again = table.read(&known).update(&known, today());
                prop_assert!(again.puts.is_empty() && again.removed.is_empty() && again.counts.is_empty());
                let row = CustomerRow::of(&known, &Model::default(), today());
                for (card, admin) in [(0, false), (1, false), (2, false), (0, true)] {
                    let card = Some(CardId::from_uuid(Uuid::from_u128(card)));
                    let viewer = Viewer { member: MemberId::from_uuid(Uuid::nil()), card, admin };
                    let right = row.as_ref().map_or(CustomerRight::None, |row| row.right_of(viewer));
                    prop_assert_eq!(right, known.right_of(viewer));
                }
                let stored: Vec<_> = group.iter().filter_map(|n| table.rows.get(&person(*n))?.row.clone()).collect();
                prop_assert_eq!(stored, Vec::from_iter(row));
            }
            let mut counts = BTreeMap::new();
            for kind in table.rows.values().filter_map(|row| row.row.as_ref()).flat_map(KindCounts::kinds_of) {
                *counts.entry(kind).or_default() += 1;
            }
            prop_assert_eq!(&table.counts, &counts);
        }
    }
}

#[test]
fn a_row_of_something_later_is_ahead() {
    let known = KnownCustomer { identities: [(person(1), visitor(3, [1]))].into(), ..KnownCustomer::default() };
    let listed = |customer, record| Listed {
        rows: [(person(1), ListedRow { version: 1, sources: [(person(1), (customer, record))].into(), row: None })]
            .into(),
        ..Listed::default()
    };
    assert!(!listed(3, 0).is_ahead_of(&known) && !listed(2, 0).is_ahead_of(&known));
    assert!(listed(4, 0).is_ahead_of(&known) && listed(3, 1).is_ahead_of(&known));
    // What was made of an identity that is another person by now says nothing.
    let other = Listed {
        rows: [(person(1), ListedRow { version: 1, sources: [(person(2), (9, 9))].into(), row: None })].into(),
        ..Listed::default()
    };
    assert!(!other.is_ahead_of(&known));
}

#[test]
fn a_change_that_the_row_does_not_show_keeps_the_row_of_several_identities() {
    let mut known = KnownCustomer { identities: [(person(1), visitor(3, [1]))].into(), ..KnownCustomer::default() };
    let row =
        ListedRow { version: 4, sources: sources(&known), row: CustomerRow::of(&known, &Model::default(), today()) };
    let listed = Listed { rows: [(person(1), row)].into(), ..Listed::default() };
    assert!(listed.update(&known, today()).is_empty(), "alone");
    known.identities.insert(person(2), visitor(1, []));
    assert_eq!(listed.update(&known, today()).kept, [(person(1), 4)]);
    let by = MemberId::from_uuid(Uuid::nil());
    let value = FieldValue { at: Timestamp::from_millis(1_795_000_000_000), by, text: "王".to_owned() };
    known.records.entry(person(2)).or_default().profile.set(ProfileField::Name, value);
    let update = listed.update(&known, today());
    assert_eq!((update.puts.len(), update.kept.len(), update.counts.len()), (1, 0, 0));
    assert_eq!(update.puts[0].1.version, 4);
}
