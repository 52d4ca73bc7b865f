//! The kinds of items that grow with what a company and its people do, filled to their limits and over
//! through the store's own functions: sessions, departments, members, sockets, waiting changes.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::department::{DEPARTMENTS_MAX, Department, DepartmentError, DepartmentName, REMOVED_MAX};
use domain::kernel::day::Day;
use domain::kernel::id::{DepartmentId, Id, PersonId, SessionId};
use domain::people::session::{DEVICE_CHARS_MAX, DeviceLabel, MemberSession, SESSIONS_MAX};
use domain::radar::aggregate::{Segment, plan};
use domain::radar::breakdown::BreakdownKind;
use domain::radar::counter::{Counter, Period, Scope};
use domain::radar::live::SOCKETS_MAX;
use domain::tracking::batch::{AcceptedBatch, EVENTS_MAX};
use domain::tracking::event::{Event, EventKind};
use domain::tracking::filter_reason::FilterReason;
use store::{Commit, DepartmentAdded, PutAside, SessionStart};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::batch;
use crate::bounds::{id, viewed};
use crate::departments;
use crate::screens::{deliver, device, function, on_socket};

/// More members than are followed.
const MEMBERS: usize = 20_000;

/// Fills an item of this kind.
pub(crate) async fn fill(world: &World, kind: &str) {
    match kind {
        "departments" => fill_departments(world).await,
        "live_message" => fill_live_message(world).await,
        "live_state" => fill_live_state(world).await,
        "pending_tally" => fill_pending(world).await,
        "sessions" => fill_sessions(world).await,
        "staff" => fill_staff(world).await,
        other => unreachable!("{other}"),
    }
}

/// As many departments as there may be, with the longest names, after as many were removed.
async fn fill_departments(world: &World) {
    let mut tree = departments::tree(world).await;
    let department = |n: usize| {
        let name = DepartmentName::parse(&format!("{n:04}{}", "\u{1f375}".repeat(26))).unwrap();
        (DepartmentId::from_uuid(id(n)), Department { name, parent: (n > 0).then(|| DepartmentId::from_uuid(id(0))) })
    };
    for n in 0..DEPARTMENTS_MAX + REMOVED_MAX {
        if n >= DEPARTMENTS_MAX {
            assert_eq!(tree.add(department(n).0, department(n).1), Err(DepartmentError::Limit));
            tree = tree.remove(department(n + 1 - DEPARTMENTS_MAX).0).unwrap();
        }
        tree = tree.add(department(n).0, department(n).1).unwrap();
    }
    let (id, last) = department(DEPARTMENTS_MAX + REMOVED_MAX - 1);
    assert_eq!(tree.remove(id), Err(DepartmentError::Limit));
    // The store takes it for the first change of the company's tree.
    tree.version = 1;
    let added = DepartmentAdded { id, department: last, version: tree.version };
    let request = world.request("departments");
    world.store.add_department(world.company, &tree, added, &world.entry(), &request).await.unwrap();
}

/// More logins than a member has sessions, from devices with the longest names.
async fn fill_sessions(world: &World) {
    let member = world.staff["boss"].member;
    let device = DeviceLabel::parse(&"\u{1f375}".repeat(DEVICE_CHARS_MAX)).unwrap();
    for _ in 0..SESSIONS_MAX + 5 {
        world.clock.advance(1);
        let now = world.clock.now();
        let (_, read) = world.store.member_and_sessions(world.company, member).await.unwrap();
        let id: SessionId = world.ids.new_id(now).unwrap();
        let (session, displaced) = (&MemberSession::begun(device.clone(), now), read.displaced(None, now));
        let start = SessionStart { member, id, session, displaced };
        world.store.begin_session(world.company, &read, &start).await.unwrap();
    }
    let (_, read) = world.store.member_and_sessions(world.company, member).await.unwrap();
    assert_eq!(read.open(world.clock.now()).len(), SESSIONS_MAX);
}

/// All members are others than those who are followed, and they are more.
async fn fill_staff(world: &World) {
    let follow = async |persons: BTreeSet<PersonId>| {
        let mut aside = PutAside::default();
        world.store.follow_members(world.company, &persons, 300, world.clock.now(), &mut aside).await.unwrap()
    };
    assert!(follow(BTreeSet::from([PersonId::from_uuid(id(0))])).await);
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let mut item = items.into_iter().find(|item| item["type"].as_s().unwrap() == "staff").unwrap();
    let persons = |from: u128| (0..).map(move |n| Uuid::from_u128(from + n));
    let bytes: Vec<u8> = persons(1 << 100).take(MEMBERS).flat_map(Uuid::into_bytes).collect();
    item.insert("persons".to_owned(), AttributeValue::B(Blob::new(bytes)));
    world.dynamodb.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
    assert!(!follow(persons(1).take(MEMBERS + 5_000).map(PersonId::from_uuid).collect()).await);
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let item = items.into_iter().find(|item| item["type"].as_s().unwrap() == "staff").unwrap();
    assert!(item["persons"].as_b().unwrap().as_ref().len() <= 16 * MEMBERS, "who has left goes first");
}

/// More sockets than a card may have.
async fn fill_live_state(world: &World) {
    let live = function(world);
    for n in 0..SOCKETS_MAX + 20 {
        on_socket(world, &live, &format!("socket-{n:08}="), "CONNECT", None).await;
    }
    let state = world.store.live_state(world.company, world.card("lin")).await.unwrap().unwrap();
    assert_eq!(state.sockets.len(), SOCKETS_MAX);
}

/// The longest batch, on a card that is watched.
async fn fill_live_message(world: &World) {
    let live = function(world);
    device(world, &live, "watching").await;
    let whole = batch(world, 0, 9_000, &[0]);
    let event = |n| {
        let (kind, object) = viewed(BreakdownKind::Products, n);
        Event { kind, object, ..whole.events[0].clone() }
    };
    let longest = AcceptedBatch { events: (0..EVENTS_MAX).map(event).collect(), ..whole.clone() };
    assert_eq!(deliver(&live, &[&longest], 1).await, 0);
}

/// Every counter there is, in more scopes than a chunk has.
async fn fill_pending(world: &World) {
    let whole = batch(world, 0, 9_001, &[0]);
    let segments: Vec<Segment> = domain::radar::aggregate::segments(whole);
    let mut plan = plan(&[&segments[0]], &BTreeMap::new());
    let today = Day::of(world.clock.now());
    let counters = EventKind::ALL.iter().copied().map(Counter::Events);
    let counters = counters.chain((0..24).map(Counter::Hour));
    let counters: Vec<_> = counters.chain(FilterReason::ALL.iter().copied().map(Counter::Filtered)).collect();
    for n in 0..250 {
        let scope = Scope::Department(DepartmentId::from_uuid(id(n)));
        counters.iter().for_each(|counter| plan.later.add(scope, Period::Day(today), *counter, 1 << 40));
    }
    let commit = Commit { segments: &[&segments[0]], plan: &plan, page: id(1), now: world.clock.now() };
    world.store.commit_segments(world.company, commit).await.unwrap();
}
