//! A member's name and position on DynamoDB Local: their card shows the same.

use std::sync::Arc;

use axum::Router;
use domain::card::{Card, Identity};
use domain::company::audit::{AuditAction, AuditFilter};
use domain::kernel::failure::Failure;
use domain::kernel::text::Line;
use domain::people::member::{Member, PersonName, Position, Role};
use serde_json::{Value, json};
use store::{CardChange, MemberChange};
use testkit::world::World;

use crate::functions::Functions;
use crate::http::send;

async fn edit(world: &World, organization: &Router, name: &str, body: Value) -> (u16, Value) {
    let path = format!("/v1/members/{}", world.staff[name].member);
    send(organization, ("PUT", &path), (Some(&world.token("boss")), None), Some(body)).await
}

fn renamed(read: &Member, name: &str) -> Member {
    Member { name: PersonName::parse(name).unwrap(), position: Position::default(), ..read.clone() }
}

async fn rename(world: &World, read: &Member, name: &str) -> Result<(), Failure> {
    let entry = world.entry();
    world.store.edit_member(world.company, MemberChange { read, audit: &entry }, &renamed(read, name)).await
}

async fn lin(world: &World) -> Member {
    world.store.member(world.company, world.staff["lin"].member).await.unwrap()
}

async fn told(world: &World) -> Vec<(String, String)> {
    let filter = AuditFilter { action: Some(AuditAction::MemberEdited), ..AuditFilter::default() };
    let log = world.store.audit_log(world.company, &filter, None, 100).await.unwrap().items;
    log.into_iter().map(|entry| (entry.from, entry.to)).collect()
}

#[tokio::test]
async fn an_edit_shows_on_the_card_and_is_recorded_once() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let organization = functions.router("organization");
    let before = world.store.card(world.company, world.card("lin")).await.unwrap();
    let body = json!({"name": "林晓", "position": ""});
    let (status, edited) = edit(&world, organization, "lin", body.clone()).await;
    assert_eq!((status, &edited["name"], &edited["position"]), (200, &json!("林晓"), &json!("")), "{edited}");
    assert_eq!(edit(&world, organization, "lin", body).await, (200, edited), "the same again");
    let card = world.store.card(world.company, world.card("lin")).await.unwrap();
    let identity =
        Identity {
            name: PersonName::parse("林晓").unwrap(), position: Position::default(), ..before.identity.clone()
        };
    assert_eq!(card, Card { identity, version: before.version + 1, ..before });
    assert_eq!(lin(&world).await.name.as_str(), "林晓");
    assert_eq!(told(&world).await, [("lin（茶艺师）".to_owned(), "林晓".to_owned())]);
    // The boss has no card, and may change their own name.
    let (status, boss) = edit(&world, organization, "boss", json!({"name": "沈云", "position": "董事长"})).await;
    assert_eq!((status, &boss["name"], &boss["card_id"]), (200, &json!("沈云"), &Value::Null), "{boss}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_edits_from_the_same_reading_one_counts() {
    let world = Arc::new(World::new().await);
    let read = lin(&world).await;
    let version = world.store.card(world.company, world.card("lin")).await.unwrap().version;
    let tasks = (0..8).map(|n| {
        let (world, read) = (Arc::clone(&world), read.clone());
        tokio::spawn(async move { rename(&world, &read, &format!("林{n}")).await })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(()) => done += 1,
            Err(failure) => assert!(matches!(failure, Failure::VersionConflict | Failure::Busy), "{failure:?}"),
        }
    }
    let (member, card) = (lin(&world).await, world.store.card(world.company, world.card("lin")).await.unwrap());
    assert_eq!((done, card.version), (1, version + 1));
    assert_eq!(member.name, card.identity.name);
}

#[tokio::test]
async fn an_edit_of_the_card_from_before_does_not_undo_it_nor_the_other_way_round() {
    let world = World::new().await;
    let (read, card) = (lin(&world).await, world.store.card(world.company, world.card("lin")).await.unwrap());
    let change = CardChange { read: &card, audit: None, now: world.clock.now() };
    rename(&world, &read, "林晓").await.unwrap();
    let identity = Identity { company: Line::parse("云杉集团").unwrap(), ..card.identity.clone() };
    let late = world.store.edit_identity(world.company, change, identity.clone(), &Role::ALL).await;
    assert_eq!(late.unwrap_err(), Failure::VersionConflict);
    let (read, card) = (lin(&world).await, world.store.card(world.company, world.card("lin")).await.unwrap());
    let change = CardChange { read: &card, ..change };
    world.store.edit_identity(world.company, change, identity, &Role::ALL).await.unwrap();
    assert_eq!(rename(&world, &read, "林小").await.unwrap_err(), Failure::VersionConflict);
}

#[tokio::test]
async fn a_card_is_not_made_under_the_name_of_before() {
    let world = World::new().await;
    let boss = world.staff["boss"].member;
    let founding = world.store.card_founding(world.company, boss).await.unwrap();
    let Member { name, position, .. } = founding.member.clone();
    let identity = Identity { name, position, company: founding.profile.name };
    let card = Card::new(world.ids.new_id(world.clock.now()).unwrap(), boss, identity, world.clock.now());
    rename(&world, &founding.member, "沈云").await.unwrap();
    let late = world.store.create_card(world.company, card, &founding.member, &world.request("card")).await;
    assert_eq!(late.unwrap_err(), Failure::Busy);
}
