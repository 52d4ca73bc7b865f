//! Departments on DynamoDB Local: one tree, many writers, members who follow it.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::card::{Card, Identity};
use domain::company::WeCom;
use domain::company::audit::{AuditAction, AuditFilter};
use domain::company::department::{Department, DepartmentName, DepartmentTree};
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{DepartmentId, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::{Line, OpaqueText};
use store::{DepartmentAdded, MemberChange, MemberFilter};
use testkit::world::World;

fn department(name: &str, parent: Option<DepartmentId>) -> Department {
    Department { name: DepartmentName::parse(name).unwrap(), parent }
}

/// Adds a department, like the route.
pub(crate) async fn add(world: &World, name: &str, parent: Option<DepartmentId>) -> Result<DepartmentId, Failure> {
    let request = world.request(name);
    let now = world.clock.now();
    let (tree, before) = world.store.departments_for(world.company, &request, now).await?;
    if let Some(before) = before {
        return Ok(before.id);
    }
    let (id, department) = (world.ids.new_id(now).unwrap(), department(name, parent));
    let after = tree.add(id, department.clone()).unwrap();
    let added = DepartmentAdded { id, department, version: after.version };
    let done = world.store.add_department(world.company, &after, added, &world.entry(), &request).await;
    done.map(|added| added.id)
}

pub(crate) async fn tree(world: &World) -> DepartmentTree {
    world.store.departments(world.company).await.unwrap()
}

pub(crate) async fn put(world: &World, member: MemberId, into: Option<DepartmentId>) -> Result<(), Failure> {
    let (read, _) = world.store.member_and_departments(world.company, member).await.unwrap();
    let entry = world.entry();
    world.store.set_member_department(world.company, MemberChange { read: &read, audit: &entry }, into).await
}

#[tokio::test]
async fn a_department_is_made_once_per_request_and_read_back() {
    let world = World::new().await;
    assert_eq!(tree(&world).await, DepartmentTree::default());
    let east = add(&world, "华东", None).await.unwrap();
    let sales = add(&world, "销售", Some(east)).await.unwrap();
    assert_eq!(add(&world, "销售", Some(east)).await.unwrap(), sales, "a retry makes nothing new");
    let found = tree(&world).await;
    assert_eq!((found.version, found.iter().count()), (2, 2));
    assert_eq!(found.get(sales), Some(&department("销售", Some(east))));
    let other = Idempotency { fingerprint: "other".to_owned(), ..world.request("销售") };
    let refused = world.store.departments_for(world.company, &other, world.clock.now()).await;
    assert_eq!(refused.unwrap_err(), Failure::KeyReused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_departments_made_at_once_none_is_lost() {
    let world = Arc::new(World::new().await);
    let tasks = (0..12).map(|n| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            loop {
                match add(&world, &format!("部门{n}"), None).await {
                    Err(Failure::Busy) => tokio::task::yield_now().await,
                    done => return done.unwrap(),
                }
            }
        })
    });
    let mut made = BTreeSet::new();
    for task in tasks.collect::<Vec<_>>() {
        made.insert(task.await.unwrap());
    }
    let found = tree(&world).await;
    assert_eq!((found.version, found.iter().map(|(id, _)| id).collect()), (12, made));
}

#[tokio::test]
async fn a_change_from_an_outdated_tree_is_refused() {
    let world = World::new().await;
    let east = add(&world, "华东", None).await.unwrap();
    let read = tree(&world).await;
    let change = async |name| {
        let after = read.change(east, department(name, None)).unwrap();
        world.store.change_departments(world.company, &after, &world.entry()).await
    };
    change("东区").await.unwrap();
    assert_eq!(change("东部").await.unwrap_err(), Failure::VersionConflict);
    assert_eq!(tree(&world).await.get(east), Some(&department("东区", None)));
}

#[tokio::test]
async fn a_member_and_their_card_are_in_a_department_that_exists() {
    let world = World::new().await;
    let (lin, chen) = (world.staff["lin"].member, world.staff["chen"].member);
    let east = add(&world, "华东", None).await.unwrap();
    let sales = add(&world, "销售", Some(east)).await.unwrap();
    put(&world, lin, Some(sales)).await.unwrap();
    let card = world.store.card(world.company, world.card("lin")).await.unwrap();
    assert_eq!(card.department, Some(sales));
    assert_eq!(put(&world, chen, Some(world.ids.new_id(world.clock.now()).unwrap())).await.unwrap_err(), Failure::Busy);
    // The department is deleted between reading and writing.
    let (read, before) = world.store.member_and_departments(world.company, chen).await.unwrap();
    let after = before.remove(sales).unwrap();
    world.store.change_departments(world.company, &after, &world.entry()).await.unwrap();
    let entry = world.entry();
    let late = world
        .store
        .set_member_department(world.company, MemberChange { read: &read, audit: &entry }, Some(sales))
        .await;
    assert_eq!(late.unwrap_err(), Failure::Busy);
    let below = after.below(east);
    let filter = MemberFilter { departments: below, ..MemberFilter::default() };
    let found = world.store.list_members(world.company, &filter, None, 10).await.unwrap().items;
    assert_eq!(found.iter().map(|member| member.id).collect::<Vec<_>>(), [lin], "they count for the department above");
    put(&world, lin, None).await.unwrap();
    assert_eq!(world.store.card(world.company, world.card("lin")).await.unwrap().department, None);
    assert_eq!(world.store.member(world.company, lin).await.unwrap().department, None);
}

#[tokio::test]
async fn a_new_card_is_in_its_member_s_department_or_not_made() {
    let world = World::new().await;
    let boss = world.staff["boss"].member;
    let (read, _) = world.store.member_and_departments(world.company, boss).await.unwrap();
    let east = add(&world, "华东", None).await.unwrap();
    put(&world, boss, Some(east)).await.unwrap();
    let make = async |read: &domain::people::member::Member, key: &str| {
        let identity = Identity {
            name: read.name.clone(),
            position: read.position.clone(),
            company: Line::parse("云杉茶业").unwrap(),
        };
        let now = world.clock.now();
        let id = world.ids.new_id(now).unwrap();
        let card = Card { department: read.department, ..Card::new(id, boss, identity, now) };
        world.store.create_card(world.company, card, read, &world.request(key)).await
    };
    assert_eq!(make(&read, "stale").await.unwrap_err(), Failure::Busy, "they were moved to another department");
    let now = world.store.member(world.company, boss).await.unwrap();
    let card = make(&now, "first").await.unwrap();
    assert_eq!(world.store.card(world.company, card.id).await.unwrap().department, Some(east));
    let now = world.store.member(world.company, boss).await.unwrap();
    assert_eq!(make(&now, "second").await.unwrap_err(), Failure::Exists(Thing::Card));
    assert_eq!(make(&now, "first").await.unwrap(), card, "a retry makes nothing new");
}

#[tokio::test]
async fn a_company_is_renamed_from_what_was_read_and_has_a_wecom_or_none() {
    let world = World::new().await;
    let read = world.store.company(world.company).await.unwrap();
    let rename = async |name: &str| {
        world.store.rename_company(world.company, &read.name, &Line::parse(name).unwrap(), &world.entry()).await
    };
    rename("云杉集团").await.unwrap();
    assert_eq!(rename("云杉").await.unwrap_err(), Failure::VersionConflict);
    let wecom = WeCom { corp_id: OpaqueText::parse("ww1").unwrap(), agent_id: 1_000_002, secret_name: None };
    world.store.set_wecom(world.company, Some(&wecom), &world.entry()).await.unwrap();
    let found = world.store.company(world.company).await.unwrap();
    assert_eq!((found.name.as_str(), found.wecom), ("云杉集团", Some(wecom)));
    world.store.set_wecom(world.company, None, &world.entry()).await.unwrap();
    assert_eq!(world.store.company(world.company).await.unwrap().wecom, None);
    let nobody = domain::company::Company::granted(world.ids.new_id(world.clock.now()).unwrap());
    assert_eq!(world.store.set_wecom(nobody, None, &world.entry()).await.unwrap_err(), Failure::NotFound);
}

#[tokio::test]
async fn the_audit_log_is_filtered_page_by_page() {
    let world = World::new().await;
    let target = world.staff["lin"].member.to_string();
    for n in 0..7 {
        let action = if n % 2 == 0 { AuditAction::Greeting } else { AuditAction::Phrases };
        let entry = domain::company::audit::AuditEntry { action, target: target.clone(), ..world.entry() };
        world.store.set_company_greeting(world.company, None, &entry).await.unwrap();
    }
    let find = async |filter: &AuditFilter, after, limit| {
        let page = world.store.audit_log(world.company, filter, after, limit).await.unwrap();
        (page.items.len(), page.next)
    };
    let greetings = AuditFilter { action: Some(AuditAction::Greeting), ..AuditFilter::default() };
    let (found, next) = find(&greetings, None, 3).await;
    assert_eq!(found, 3);
    assert_eq!(find(&greetings, next, 3).await, (1, None));
    let of_lin = AuditFilter { target: Some(target), ..AuditFilter::default() };
    assert_eq!(find(&of_lin, None, 100).await.0, 7);
    let by_lin = AuditFilter {
        actor: Some(domain::company::audit::AuditActor::Member(world.staff["lin"].member)),
        ..AuditFilter::default()
    };
    assert_eq!(find(&by_lin, None, 100).await, (0, None));
}
