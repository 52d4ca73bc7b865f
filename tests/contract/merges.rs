//! Merges on DynamoDB Local: the counters are those of the merged persons, also under concurrent
//! writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::crm::customer::CustomerState;
use domain::crm::identities::Customer;
use domain::crm::merge::{Merge, MergeError, MergeReason, Undone};
use domain::kernel::day::{Day, Window};
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{Id, MemberId, MergeId, PersonId};
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::DAY_MS;
use domain::radar::aggregate::{AggregationPlan, plan, segments};
use domain::radar::counter::{Audience, Counter, Scope};
use domain::radar::metrics::Metrics;
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use store::{Commit, CommitError};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{housekeeping, no_stop};

/// A batch with a view of `lin`'s card on each of some days.
fn views(world: &World, person: PersonId, days_ago: &[i64]) -> AcceptedBatch {
    let now = world.clock.now();
    let event = |days_ago: &i64| Event {
        kind: EventKind::ViewCard,
        card: world.card("lin"),
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at: now.plus_millis(-days_ago * DAY_MS),
        duration_ms: None,
        filtered: None,
    };
    AcceptedBatch {
        v: 1,
        company: world.company.id(),
        person,
        batch: BatchId::from_uuid(world.ids.uuid(now).unwrap()),
        fingerprint: "f".to_owned(),
        received_at: now,
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        events: days_ago.iter().map(event).collect(),
    }
}

pub(crate) async fn visit(world: &World, person: PersonId, days_ago: &[i64]) {
    // As many as fit into one transaction.
    for days_ago in days_ago.chunks(30) {
        let batch = views(world, person, days_ago);
        let aggregator = aggregator(world, KeptDeadLetters::default());
        let response = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
        assert!(response.batch_item_failures.is_empty());
    }
}

async fn counted(world: &World, window: Window) -> Metrics {
    let today = Day::of(world.clock.now());
    world.store.counters(world.company, Scope::Company, today.plus(-400)).await.unwrap().metrics(window, today)
}

async fn visitors(world: &World) -> i64 {
    counted(world, Window::Total).await.visitors
}

async fn undo(world: &World, merge: MergeId) -> Result<(), Failure> {
    let read = world.store.merge(world.company, merge).await?;
    let known = world.known(read.edge.a, read.edge.b).await?;
    let plan = read.undo(&known).ok_or(Failure::NotFound)?;
    let by = MemberId::from_uuid(Uuid::from_u128(1));
    let after = Merge { undone: Some(Undone { at: world.clock.now(), by }), ..read };
    for pending in world.store.apply_merge(world.company, &after, &plan, Some(&world.entry())).await? {
        world.store.count_pending(&pending).await?;
    }
    Ok(())
}

#[tokio::test]
async fn two_become_one_before_or_after_their_events_and_two_again() {
    let world = World::new().await;
    let [known, anonymous, late] = [(); 3].map(|()| world.fresh_person());
    visit(&world, known, &[0, 5]).await;
    visit(&world, anonymous, &[0, 1]).await;
    assert_eq!(visitors(&world).await, 2);
    let merge = world.merge(known, anonymous, MergeReason::Login).await.unwrap();
    world.merge(known, late, MergeReason::Login).await.unwrap();
    assert_eq!(visitors(&world).await, 1);
    visit(&world, late, &[0, 2]).await;
    visit(&world, anonymous, &[3]).await;
    let metrics = counted(&world, Window::Last7Days).await;
    assert_eq!((metrics.visitors, metrics.views), (1, 7));
    assert_eq!(counted(&world, Window::Yesterday).await.visitors, 1);
    let opened = world.store.customer(world.company, late).await.unwrap();
    assert_eq!(opened.state.opened_cards()[0].1.opened, 7, "the list of cards is the person's");
    undo(&world, merge).await.unwrap();
    assert_eq!(visitors(&world).await, 2);
    assert_eq!(undo(&world, merge).await, Err(Failure::NotFound));
    assert_eq!(world.merge(late, anonymous, MergeReason::Phone).await, Err(Failure::Exists(Thing::Merge)));
}

#[tokio::test]
async fn a_state_read_before_a_merge_is_not_written_after_it() {
    let world = World::new().await;
    let [a, b] = [(); 2].map(|()| world.fresh_person());
    visit(&world, a, &[0]).await;
    let before: BTreeMap<_, Customer> = world.known(a, b).await.unwrap();
    let all = segments(views(&world, b, &[0]));
    let read_before = plan(&all, &before);
    world.merge(a, b, MergeReason::Phone).await.unwrap();
    let commit = async |plan: &AggregationPlan| {
        let segments: Vec<_> = all.iter().collect();
        let now = world.clock.now();
        let page = world.ids.uuid(now).unwrap();
        world.store.commit_segments(world.company, Commit { segments: &segments, plan, page, now }).await
    };
    assert!(matches!(commit(&read_before).await, Err(CommitError::Stale)));
    // A person's other identity changes between reading and writing.
    let read = world.known(a, b).await.unwrap();
    let read = plan(&all, &read);
    assert_eq!(read.unchanged.keys().collect::<Vec<_>>(), [&a]);
    visit(&world, a, &[1]).await;
    assert!(matches!(commit(&read).await, Err(CommitError::Stale)));
    commit(&plan(&all, &world.known(a, b).await.unwrap())).await.unwrap();
    assert_eq!((visitors(&world).await, counted(&world, Window::Total).await.views), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn merges_undone_merges_and_events_at_once_leave_the_right_numbers() {
    let world = Arc::new(World::new().await);
    let people: Vec<_> = (0..4).map(|_| world.fresh_person()).collect();
    let visiting = people.iter().enumerate().map(|(n, person)| {
        let (world, person) = (Arc::clone(&world), *person);
        tokio::spawn(async move {
            for day in 0..6 {
                let batch = views(&world, person, &[day, i64::try_from(n).unwrap()]);
                let aggregator = aggregator(&world, KeptDeadLetters::default());
                // Like the queue: failed messages are delivered again.
                while !radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r")
                    .await
                    .batch_item_failures
                    .is_empty()
                {}
            }
        })
    });
    let merging = [(0, 1, false), (2, 3, true), (1, 2, false), (0, 3, false)].map(|(a, b, undone)| {
        let (world, a, b) = (Arc::clone(&world), people[a], people[b]);
        tokio::spawn(async move {
            let merge = loop {
                match world.merge(a, b, MergeReason::Phone).await {
                    Err(Failure::Busy) => tokio::task::yield_now().await,
                    Ok(merge) => break merge,
                    Err(_) => return,
                }
            };
            while undone && undo(&world, merge).await == Err(Failure::Busy) {}
        })
    });
    for task in visiting.chain(merging).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    // The counters equal the sums of the parts and groups, whoever wins the race.
    let known = world.store.customers(world.company, &people).await.unwrap();
    let known: BTreeMap<_, _> = known.into_iter().map(|(person, customer)| (person, customer.unwrap())).collect();
    let groups: BTreeSet<BTreeSet<PersonId>> = people
        .iter()
        .map(|person| {
            let mut members = known[person].links.group.members();
            members.insert(*person);
            members
        })
        .collect();
    let mut expected = domain::radar::counter::CounterDeltas::default();
    for group in &groups {
        expected.add_all(&CustomerState::union(group.iter().map(|person| &known[person].state)).contributions());
    }
    let days = world.store.counters(world.company, Scope::Company, Day::from_number(0)).await.unwrap();
    let kept = |counts: &domain::radar::counter::Counts| -> domain::radar::counter::Counts {
        let people = |counter: &Counter| {
            matches!(counter, Counter::People(_) | Counter::Gap(..) | Counter::Newcomers(_) | Counter::Customers)
        };
        counts
            .iter()
            .filter(|(counter, by)| people(counter) && **by != 0)
            .map(|(counter, by)| (*counter, *by))
            .collect()
    };
    for (scope, period, counts) in expected.changes().filter(|(scope, ..)| *scope == Scope::Company) {
        let stored = match period {
            domain::radar::counter::Period::Lifetime => &days.lifetime,
            domain::radar::counter::Period::Day(day) => &days.days[&day],
        };
        assert_eq!(kept(stored), counts, "{scope:?} {period:?}");
    }
    assert_eq!(days.lifetime[&Counter::People(Audience::Visitors)], i64::try_from(groups.len()).unwrap());
    assert_eq!(counted(&world, Window::Total).await.views, 48);
}

#[tokio::test]
async fn a_merge_of_two_long_histories_is_finished_by_housekeeping_once() {
    let world = World::new().await;
    let [a, b] = [(); 2].map(|()| world.fresh_person());
    let days: Vec<_> = (0..360).collect();
    for person in [a, b] {
        visit(&world, person, &days).await;
    }
    let merge = Merge {
        edge: domain::crm::identity_group::MergeEdge { merge: world.ids.new_id(world.clock.now()).unwrap(), a, b },
        reason: MergeReason::Phone,
        at: world.clock.now(),
        undone: None,
    };
    let plan = merge.plan(&world.known(a, b).await.unwrap()).unwrap();
    let left = world.store.apply_merge(world.company, &merge, &plan, None).await.unwrap();
    assert_eq!(left.len(), 8, "722 counter items: 40 at once, then chunks of 90");
    let housekeeping = Arc::new(housekeeping(&world, 0).await);
    let runs = (0..3).map(|_| {
        let housekeeping = Arc::clone(&housekeeping);
        tokio::spawn(async move { housekeeping.run(no_stop(), "r").await.unwrap().pending_deltas })
    });
    for run in runs.collect::<Vec<_>>() {
        assert!(run.await.unwrap() <= 8);
    }
    for pending in &left {
        world.store.count_pending(pending).await.unwrap();
    }
    assert_eq!(housekeeping.run(no_stop(), "r").await.unwrap().pending_deltas, 0);
    for window in Window::ALL {
        assert_eq!(counted(&world, window).await.visitors, 1, "{window:?}");
    }
    undo(&world, merge.edge.merge).await.unwrap();
    for window in Window::ALL {
        assert_eq!(counted(&world, window).await.visitors, 2, "{window:?}");
    }
}

#[tokio::test]
async fn merges_are_listed_latest_first() {
    let world = World::new().await;
    let mut made = vec![world.merge_id];
    for _ in 0..3 {
        world.clock.advance(1_000);
        made.push(world.merge(world.fresh_person(), world.fresh_person(), MergeReason::Phone).await.unwrap());
    }
    made.reverse();
    let first = world.store.list_merges(world.company, None, 3).await.unwrap();
    let second = world.store.list_merges(world.company, first.next, 3).await.unwrap();
    let listed: Vec<_> = first.items.iter().chain(&second.items).map(|merge| merge.edge.merge).collect();
    assert_eq!(listed, made);
    let known = world.known(first.items[0].edge.a, first.items[0].edge.b).await.unwrap();
    assert_eq!(first.items[0].plan(&known), Err(MergeError::Already));
}

#[tokio::test]
async fn a_number_stands_for_who_granted_it_last_and_a_person_for_one_number() {
    let world = World::new().await;
    let [a, b] = [(); 2].map(|()| world.fresh_person());
    let [first, second] = ["13800138000", "13800138001"].map(|number| Mobile::parse(number).unwrap());
    let claim = async |person, phone| world.store.phone_claim(world.company, person, phone).await.unwrap();
    let hold = async |claim| world.store.hold_phone(world.company, &claim, world.clock.now()).await;
    let (one, other) = (claim(a, &first).await, claim(b, &first).await);
    assert_eq!((one.holder, other.holder), (None, None));
    hold(one).await.unwrap();
    assert_eq!(hold(other).await, Err(Failure::Busy), "of two at once one looks again");
    let again = claim(a, &first).await;
    assert_eq!(again.holder, Some(a));
    hold(again).await.unwrap();
    // A new number replaces the old one, which becomes free.
    hold(claim(a, &second).await).await.unwrap();
    assert_eq!(claim(b, &first).await.holder, None);
    // The person who granted a number last holds it, also after the other person grants a new
    // number.
    let taken = claim(b, &second).await;
    assert_eq!(taken.holder, Some(a));
    hold(taken).await.unwrap();
    hold(claim(a, &first).await).await.unwrap();
    assert_eq!((claim(a, &second).await.holder, claim(b, &first).await.holder), (Some(b), Some(a)));
}
