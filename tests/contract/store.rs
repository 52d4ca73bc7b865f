//! The store on DynamoDB Local.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::card::{Card, Contact, Identity, Phone};
use domain::company::audit::AuditFilter;
use domain::kernel::day::Day;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{Id, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::DAY_MS;
use domain::people::member::Role;
use domain::radar::aggregate::{SegmentKey, plan, segments};
use domain::radar::counter::{Counter, Counts, Period, Scope};
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use store::{CardChange, ClaimRequest, Claimed, Commit, CommitError, MemberFilter};
use testkit::world::World;
use uuid::Uuid;

#[tokio::test]
async fn a_retried_creation_gives_the_first_result_and_another_body_is_refused() {
    let world = World::new().await;
    let request = world.request("zhou");
    let (first, second) = (world.member("zhou", Role::Staff), world.member("zhou2", Role::Staff));
    let add = async |new| world.store.add_member(world.company, new, &world.entry(), &request).await;
    let created = add(first.clone()).await.unwrap();
    assert_eq!(created, first);
    assert_eq!(add(second.clone()).await.unwrap(), first, "a retry makes nothing new");
    let other = Idempotency { fingerprint: "other".to_owned(), ..request.clone() };
    let refused = world.store.add_member(world.company, second.clone(), &world.entry(), &other).await;
    assert_eq!(refused.unwrap_err(), Failure::KeyReused);
    world.clock.advance(DAY_MS + 1_000);
    assert_eq!(add(second.clone()).await.unwrap(), second, "after a day the key is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_retries_create_one_member() {
    let world = Arc::new(World::new().await);
    let tasks = (0..20).map(|n| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let new = world.member(&format!("m{n}"), Role::Staff);
            world.store.add_member(world.company, new, &world.entry(), &world.request("same")).await
        })
    });
    let mut created = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(new) => created.push(new.member.id),
            Err(failure) => assert_eq!(failure, Failure::Busy),
        }
    }
    created.dedup();
    assert_eq!(created.len(), 1);
    let members = world.store.list_members(world.company, &MemberFilter::default(), None, 100).await.unwrap();
    assert_eq!(members.items.len(), 5, "boss, three employees and the new one");
}

#[tokio::test]
async fn a_mini_program_belongs_to_one_company() {
    let world = World::new().await;
    let new = store::NewCompany {
        profile: domain::company::CompanyProfile {
            id: world.ids.new_id(world.clock.now()).unwrap(),
            ..world.store.company(world.company).await.unwrap()
        },
        boss: world.member("other", Role::Boss),
        seats: 5,
    };
    let refused = world.store.create_company(new, &world.request("other"), world.clock.now()).await;
    assert_eq!(refused.unwrap_err(), Failure::Exists(Thing::App));
    assert_eq!(world.store.company_of_app(&world.appid).await.unwrap(), world.company);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_people_with_one_claim_code_one_becomes_the_member() {
    let world = Arc::new(World::new().await);
    let new = world.member("zhou", Role::Staff);
    world.store.add_member(world.company, new.clone(), &world.entry(), &world.request("zhou")).await.unwrap();
    let tasks = (0..12).map(|n| {
        let (world, hash) = (Arc::clone(&world), new.claim_hash.clone());
        tokio::spawn(async move {
            let openid = OpenId::parse(&format!("person-{n}")).unwrap();
            let person = world.sign_in(openid.as_str()).await;
            let claiming = ClaimRequest { person, openid: &openid, unionid: None, hash: &hash, now: world.clock.now() };
            world.store.claim_membership(world.company, claiming).await
        })
    });
    let mut members = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(Claimed::Member(member)) => members += usize::from(member == new.member.id),
            Ok(Claimed::Refused) | Err(Failure::Busy) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(members, 1);
}

#[tokio::test]
async fn claims_are_refused_when_expired_foreign_or_by_another_member() {
    let world = World::new().await;
    let new = world.member("zhou", Role::Staff);
    world.store.add_member(world.company, new.clone(), &world.entry(), &world.request("zhou")).await.unwrap();
    let claim = async |openid: &str, hash: &str| {
        let openid = OpenId::parse(openid).unwrap();
        let person = world.sign_in(openid.as_str()).await;
        world
            .store
            .claim_membership(
                world.company,
                ClaimRequest { person, openid: &openid, unionid: None, hash, now: world.clock.now() },
            )
            .await
            .unwrap()
    };
    assert_eq!(claim("p1", "no-such-hash").await, Claimed::Refused);
    assert_eq!(claim("lin", &new.claim_hash).await, Claimed::OtherMember);
    world.clock.advance(7 * DAY_MS);
    assert_eq!(claim("p1", &new.claim_hash).await, Claimed::Refused, "seven days are over");
    world.clock.advance(-1);
    assert_eq!(claim("p1", &new.claim_hash).await, Claimed::Member(new.member.id));
    assert_eq!(claim("p1", &new.claim_hash).await, Claimed::Member(new.member.id), "a retry is no second use");
    assert_eq!(claim("p2", &new.claim_hash).await, Claimed::Refused);
}

#[tokio::test]
async fn an_edit_of_an_outdated_card_is_refused() {
    let world = World::new().await;
    let card = world.card("lin");
    let contact = Contact { phones: vec![Phone::parse("110").unwrap()], ..Contact::default() };
    let first = world.store.card(world.company, card).await.unwrap();
    let edit = async |read: &Card| {
        let change = CardChange { read, audit: None, now: world.clock.now() };
        world.store.edit_contact(world.company, change, contact.clone()).await
    };
    assert_eq!(edit(&Card { version: 2, ..first.clone() }).await.unwrap_err(), Failure::VersionConflict);
    assert_eq!(edit(&first).await.unwrap().version, 2);
    assert_eq!(edit(&first).await.unwrap_err(), Failure::VersionConflict);
    let read = world.store.card(world.company, card).await.unwrap();
    let identity = Identity { name: domain::kernel::text::Line::parse("林总").unwrap(), ..read.identity.clone() };
    world.clock.advance(1_000);
    let entry = world.entry();
    let change = CardChange { read: &read, audit: Some(&entry), now: world.clock.now() };
    let renamed = world.store.edit_identity(world.company, change, identity, &Role::ALL).await.unwrap();
    assert_eq!((renamed.version, &renamed.contact), (3, &contact));
    assert_eq!(world.store.card(world.company, card).await.unwrap(), renamed);
    let (_, member) = world.store.company_and_member(world.company, Some(renamed.member)).await.unwrap();
    assert_eq!(member.unwrap().name.as_str(), "林总");
    let again = world.store.edit_identity(world.company, change, read.identity.clone(), &Role::ALL).await;
    assert_eq!(again.unwrap_err(), Failure::VersionConflict);
    let log = world.store.audit_log(world.company, &AuditFilter::default(), None, 1).await.unwrap();
    assert_eq!(log.items, std::slice::from_ref(&entry), "a refused change has no entry");
}

#[tokio::test]
async fn members_are_listed_page_by_page() {
    let world = World::new().await;
    let (mut after, mut listed) = (None, Vec::new());
    loop {
        let page = world.store.list_members(world.company, &MemberFilter::default(), after, 3).await.unwrap();
        assert!(page.items.len() <= 3);
        listed.extend(page.items.iter().map(|member| member.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> = world.staff.values().map(|staff| staff.member).collect();
    expected.sort();
    assert_eq!(listed, expected);
}

fn batch(world: &World, number: u64) -> AcceptedBatch {
    let at = world.clock.now();
    let (card, object) = (world.card("lin"), Object { target: Target::Card, title: None });
    let event =
        Event { kind: EventKind::ViewCard, card, object, share_code: None, at, duration_ms: None, filtered: None };
    let millis = u64::try_from(at.millis()).unwrap() + number;
    AcceptedBatch {
        v: 1,
        company: world.company.id(),
        person: PersonId::from_uuid(Uuid::from_u128(u128::from(number))),
        batch: BatchId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[1; 10]).into_uuid()),
        fingerprint: format!("{number:016x}"),
        received_at: at,
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        events: vec![event],
    }
}

/// Counts batches in one transaction, with customers that were read before.
async fn count(world: &World, numbers: &[u64]) -> Result<(), CommitError> {
    let all: Vec<_> = numbers.iter().flat_map(|number| segments(batch(world, *number))).collect();
    let persons: Vec<_> = all.iter().map(|segment| segment.key.person).collect();
    let known = world.store.customers(world.company, &persons).await.unwrap();
    let plan = plan(&all, &known.into_iter().map(|(person, customer)| (person, customer.unwrap())).collect());
    let counted: Vec<_> = plan.segments.iter().map(|position| &all[*position]).collect();
    let now = world.clock.now();
    let page = world.ids.uuid(now).unwrap();
    let commit = Commit { segments: &counted, plan: &plan, page, now };
    world.store.commit_segments(world.company, commit).await
}

#[tokio::test]
async fn a_cancelled_transaction_names_its_duplicates_and_writes_nothing() {
    let world = World::new().await;
    count(&world, &[1, 2]).await.unwrap();
    let Err(CommitError::Duplicates(duplicates)) = count(&world, &[3, 2, 4, 1]).await else { panic!("no duplicates") };
    let expected = [(1, "0000000000000002".to_owned()), (3, "0000000000000001".to_owned())];
    assert_eq!(duplicates, expected);
    let log = world.store.card_log(world.company, world.card("lin"), None, 10).await.unwrap();
    assert_eq!(log.items.len(), 2);
}

#[tokio::test]
async fn both_feeds_are_read_page_by_page_without_gap_or_repeat() {
    let world = World::new().await;
    for numbers in [&[1, 2, 3][..], &[4], &[5, 6], &[7, 8, 9, 10]] {
        world.clock.advance(1_000);
        count(&world, numbers).await.unwrap();
    }
    for limit in [1, 2, 3, 7, 10, 11] {
        let (mut cards, mut start) = (Vec::<SegmentKey>::new(), None);
        loop {
            // A page starts at its position, so each but the first repeats one.
            let page = world.store.card_log(world.company, world.card("lin"), start, limit + 1).await.unwrap();
            let new_id = page.items.iter().map(|segment| segment.key).filter(|key| Some(*key) != start);
            cards.extend(new_id.collect::<Vec<_>>());
            if page.next.is_none() {
                break;
            }
            start = cards.last().copied();
        }
        assert_eq!(cards.len(), 10, "limit {limit}");
        assert!(cards.is_sorted_by(|a, b| a.batch > b.batch), "limit {limit}");
        let (mut company, mut start) = (Vec::new(), None);
        loop {
            let page = world.store.company_log(world.company, start, limit).await.unwrap();
            company.extend(page.items.into_iter().map(|(_, segment)| segment.key));
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        assert_eq!(company.len(), 10, "limit {limit}");
        assert_eq!(company.first(), cards.first(), "limit {limit}");
    }
}

#[tokio::test]
async fn every_counter_can_be_added_to_under_its_own_name() {
    let world = World::new().await;
    let place = (Scope::Company, Period::Day(Day::of(world.clock.now())));
    let sums = [1, -1, 7, i64::from(i32::MAX)];
    let all: Counts = Counter::all().zip(sums.into_iter().cycle()).collect();
    for _ in 0..2 {
        let before = world.store.latest_counters(world.company, Scope::Company).await.unwrap();
        let revision = before.get(&place.1).map_or(0, |counted| counted.revision);
        world.store.repair_counters(world.company, place, &all, revision).await.unwrap();
        let foreign = world.store.repair_counters(world.company, place, &all, revision).await;
        assert_eq!(foreign, Err(Failure::Busy), "somebody has added since");
    }
    let counted = world.store.latest_counters(world.company, Scope::Company).await.unwrap().remove(&place.1).unwrap();
    assert_eq!(counted.counts, all.into_iter().map(|(counter, by)| (counter, 2 * by)).collect());
    assert_eq!(counted.revision, 2 * u64::try_from(counted.counts.len().div_ceil(200)).unwrap());
}
