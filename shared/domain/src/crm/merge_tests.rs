use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::day::{Day, Window};
use crate::kernel::id::{CompanyId, Id};
use crate::radar::aggregate::{plan, segments};
use crate::radar::counter::Scope;
use crate::radar::recount_tests::{CounterTable, RecordedVisit, card, event, now, path_of, recount, scopes, visits};
use crate::tracking::batch::{AcceptedBatch, BatchId};
use crate::tracking::event::{Event, EventKind};

fn person(n: u8) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn merge(n: u128, a: u8, b: u8) -> Merge {
    let edge = MergeEdge { merge: MergeId::from_uuid(Uuid::from_u128(n)), a: person(a), b: person(b) };
    Merge { edge, reason: MergeReason::Phone, at: now(), undone: None }
}

/// Customers and counters, as the table holds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MergeWorld {
    known: BTreeMap<PersonId, Customer>,
    table: CounterTable,
}

impl MergeWorld {
    fn visit(&mut self, by: u8, events: &[Event]) {
        let batch = AcceptedBatch {
            v: 1,
            company: CompanyId::from_uuid(Uuid::from_u128(1)),
            person: person(by),
            batch: BatchId::from_uuid(Uuid::from_u128(1)),
            fingerprint: String::new(),
            received_at: now(),
            anonymous: false,
            rules: 1,
            departments: events.iter().map(|event| (event.card, path_of(event))).collect(),
            events: events.to_vec(),
        };
        let plan = plan(&segments(batch), &self.known);
        assert!(plan.refused.is_empty());
        self.known.extend(plan.customers);
        self.table.add(&plan.deltas);
    }

    fn apply(&mut self, done: MergePlan) {
        self.known.extend(done.customers);
        self.table.add(&done.deltas);
    }

    fn merge(&mut self, merge: &Merge) -> Result<(), MergeError> {
        merge.plan(&self.known).map(|done| self.apply(done))
    }

    /// What the counters must be: the visits with one name for each group.
    fn check(&self, visits: &[RecordedVisit], who: &dyn Fn(u8) -> u8) -> Result<(), TestCaseError> {
        let visits: Vec<_> = visits.iter().map(|(by, event)| (who(*by), event.clone())).collect();
        for scope in scopes() {
            let counts = self.table.scope(scope);
            for window in Window::ALL {
                let (today, days) = (Day::of(now()), window.days(Day::of(now())));
                prop_assert_eq!(
                    counts.metrics(window, today),
                    recount(&visits, scope, days),
                    "{:?} {:?}",
                    scope,
                    window
                );
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum MergeStep {
    Visit(RecordedVisit),
    Merge(u8, u8),
    /// Of the merges in force, one.
    Undo(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<MergeStep>> {
    let visit = visits().prop_filter_map("a visit", |visits| visits.into_iter().next().map(MergeStep::Visit));
    let merge = (0u8..4, 0u8..4).prop_map(|(a, b)| MergeStep::Merge(a, b));
    let step = prop_oneof![6 => visit, 2 => merge, 1 => any::<prop::sample::Index>().prop_map(MergeStep::Undo)];
    prop::collection::vec(step, 0..60)
}

/// Everybody's name: the smallest identity they are merged with, found by walking in circles.
fn names(active: &[Merge]) -> [u8; 4] {
    let mut names = [0, 1, 2, 3];
    for _ in 0..4 {
        for edge in active.iter().map(|merge| merge.edge) {
            let place = |id| (0..4u8).position(|n| person(n) == id).unwrap();
            let least = names[place(edge.a)].min(names[place(edge.b)]);
            names[place(edge.a)] = least;
            names[place(edge.b)] = least;
        }
    }
    names
}

proptest! {
    /// Whatever happens in whatever order, the counters are those of the persons.
    #[test]
    fn after_every_step_the_numbers_are_a_recount_with_the_groups_in_force(steps in steps()) {
        let (mut world, mut active, mut visits) = (MergeWorld::default(), Vec::<Merge>::new(), Vec::new());
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                MergeStep::Visit((by, event)) => {
                    world.visit(by, std::slice::from_ref(&event));
                    visits.push((by, event));
                }
                MergeStep::Merge(a, b) => {
                    let made = merge(n as u128, a, b);
                    let one = names(&active)[usize::from(a)] == names(&active)[usize::from(b)];
                    match world.merge(&made) {
                        Ok(()) => active.push(made),
                        Err(MergeError::Already) => prop_assert!(one),
                        Err(refused) => prop_assert_eq!(refused, MergeError::Apart),
                    }
                }
                MergeStep::Undo(which) if !active.is_empty() => {
                    let undone = active.remove(which.index(active.len()));
                    let done = undone.undo(&world.known).unwrap();
                    world.apply(done);
                    prop_assert_eq!(undone.undo(&world.known), None);
                }
                MergeStep::Undo(_) => {}
            }
            let names = names(&active);
            world.check(&visits, &|by| names[usize::from(by)])?;
        }
        for customer in world.known.values() {
            let members = customer.links.group.members();
            prop_assert!(members.iter().all(|member| world.known[member].links.group == customer.links.group));
        }
    }

    #[test]
    fn a_merge_and_its_undoing_restore_every_counter(visits in visits(), late in visits(), a in 0u8..4, by in 1u8..4) {
        let b = (a + by) % 4;
        let (mut merged, mut never) = (MergeWorld::default(), MergeWorld::default());
        for (by, event) in &visits {
            merged.visit(*by, std::slice::from_ref(event));
            never.visit(*by, std::slice::from_ref(event));
        }
        let made = merge(1, a, b);
        merged.merge(&made).unwrap();
        for (by, event) in &late {
            merged.visit(*by, std::slice::from_ref(event));
            never.visit(*by, std::slice::from_ref(event));
        }
        let done = made.undo(&merged.known).unwrap();
        merged.apply(done);
        prop_assert_eq!(&merged.table, &never.table);
        for (person, customer) in &never.known {
            prop_assert_eq!(&merged.known[person].state, &customer.state);
        }
    }

    #[test]
    fn merges_in_any_order_and_before_or_after_the_events_are_the_same(
        visits in visits(),
        merges in Just(vec![(0u8, 1u8), (2, 3), (1, 2)]).prop_shuffle(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let (mut now_and_then, mut first) = (MergeWorld::default(), MergeWorld::default());
        for (n, (a, b)) in [(0, 1), (1, 2), (2, 3)].into_iter().enumerate() {
            first.merge(&merge(n as u128, a, b)).unwrap();
        }
        for (n, (by, event)) in visits.iter().enumerate() {
            for (m, (a, b)) in merges.iter().enumerate() {
                if at[m].index(visits.len()) == n {
                    now_and_then.merge(&merge(m as u128, *a, *b)).unwrap();
                }
            }
            now_and_then.visit(*by, std::slice::from_ref(event));
            first.visit(*by, std::slice::from_ref(event));
        }
        prop_assert_eq!(now_and_then.table, first.table);
    }
}

#[test]
fn one_visitor_who_was_anonymous_first_is_one_visitor() {
    let mut world = MergeWorld::default();
    let view = event(EventKind::ViewCard, card(1), now());
    world.visit(0, std::slice::from_ref(&view));
    world.visit(1, std::slice::from_ref(&view));
    let visitors =
        |world: &MergeWorld| world.table.scope(Scope::Company).metrics(Window::Total, Day::of(now())).visitors;
    assert_eq!(visitors(&world), 2);
    let login = Merge { reason: MergeReason::Login, ..merge(1, 1, 0) };
    world.merge(&login).unwrap();
    assert_eq!(visitors(&world), 1);
    world.visit(0, std::slice::from_ref(&view));
    assert_eq!(visitors(&world), 1, "what comes late is theirs");
    assert_eq!(world.merge(&login), Err(MergeError::Already));
    let other = Merge { reason: MergeReason::Login, ..merge(2, 2, 0) };
    assert_eq!(world.merge(&other), Err(MergeError::Taken), "a token belongs to one person");
}

#[test]
fn separated_identities_are_not_merged_again_by_way_of_others_either() {
    let mut world = MergeWorld::default();
    let made = merge(1, 0, 1);
    world.merge(&made).unwrap();
    let done = made.undo(&world.known).unwrap();
    world.apply(done);
    assert_eq!(world.merge(&merge(2, 0, 1)), Err(MergeError::Apart));
    world.merge(&merge(3, 1, 2)).unwrap();
    assert_eq!(world.merge(&merge(4, 2, 0)), Err(MergeError::Apart));
    assert_eq!(world.merge(&merge(5, 0, 3)), Ok(()));
}

#[test]
fn a_person_has_ten_identities_at_most() {
    let mut world = MergeWorld::default();
    for n in 1..10 {
        world.merge(&merge(u128::from(n), 0, n)).unwrap();
    }
    assert_eq!(world.merge(&merge(10, 0, 10)), Err(MergeError::TooLarge));
    assert_eq!(world.known[&person(9)].links.group.members().len(), IDENTITIES_MAX);
}

#[test]
fn the_plan_of_a_grouped_visitor_depends_on_all_parts() {
    let mut world = MergeWorld::default();
    world.merge(&merge(1, 0, 1)).unwrap();
    let view = event(EventKind::ViewCard, card(1), now());
    let batch = |by| AcceptedBatch {
        v: 1,
        company: CompanyId::from_uuid(Uuid::from_u128(1)),
        person: person(by),
        batch: BatchId::from_uuid(Uuid::from_u128(1)),
        fingerprint: String::new(),
        received_at: now(),
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        events: vec![view.clone()],
    };
    let one = plan(&segments(batch(0)), &world.known);
    assert_eq!((one.customers.len(), one.unchanged), (1, BTreeMap::from([(person(1), 0)])));
    let both: Vec<_> = [0, 1].into_iter().flat_map(|by| segments(batch(by))).collect();
    let both = plan(&both, &world.known);
    assert_eq!((both.customers.len(), both.unchanged.len()), (2, 0));
    let mut table = CounterTable::default();
    table.add(&both.deltas);
    let metrics = table.scope(Scope::Company).metrics(Window::Total, Day::of(now()));
    assert_eq!((metrics.visitors, metrics.views), (1, 2));
}

#[test]
fn a_member_merges_who_was_kept_apart_and_it_can_be_undone_again() {
    let mut world = MergeWorld::default();
    world.visit(1, &[event(EventKind::ViewCard, card(1), now())]);
    world.visit(2, &[event(EventKind::ViewCard, card(1), now())]);
    world.merge(&merge(1, 1, 2)).unwrap();
    let undone = merge(1, 1, 2).undo(&world.known).unwrap();
    world.apply(undone);
    assert_eq!(world.merge(&merge(2, 1, 2)), Err(MergeError::Apart));
    let by_hand = Merge { reason: MergeReason::ByHand, ..merge(3, 1, 2) };
    world.merge(&by_hand).unwrap();
    assert!(world.known.values().all(|customer| customer.links.apart.is_empty()));
    let undone = by_hand.undo(&world.known).unwrap();
    world.apply(undone);
    assert!(world.known.values().all(|customer| customer.links.group.is_alone()));
}
