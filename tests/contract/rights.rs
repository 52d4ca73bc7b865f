//! Rights are those of now: what the store refuses a member whose rights have changed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::{Acting, Company};
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, Id};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use domain::people::activation::{ActivationStep, RadarEntry};
use domain::people::member::{Ended, Member, PersonName, Position, Role, SeatChange};
use store::{KEY_ATTRIBUTES, MemberChange};
use testkit::world::World;
use uuid::Uuid;

use crate::functions::Functions;
use crate::http::{add_seats, send};

/// The ways in which rights change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Disabled,
    Removed,
    Demoted,
    Promoted,
}

/// Changes the rights of a member, as another boss or the operator would.
pub(crate) async fn change(world: &World, name: &str, change: Change) {
    let read = member(world, name).await;
    let audit = world.entry();
    let of = MemberChange { read: &read, audit: &audit };
    let done = match change {
        Change::Disabled => {
            world.store.set_member_ended(world.company, of, Some(Ended::Disabled), SeatChange::GiveBack).await
        }
        Change::Removed => {
            world.store.set_member_ended(world.company, of, Some(Ended::Left), SeatChange::GiveBack).await
        }
        Change::Demoted => world.store.set_member_role(world.company, of, Role::Staff).await,
        Change::Promoted => world.store.set_member_role(world.company, of, Role::Admin).await,
    };
    done.unwrap();
}

/// Everything that is stored, in the order of the keys.
pub(crate) async fn table(world: &World) -> Vec<HashMap<String, AttributeValue>> {
    let pages = world.dynamodb.scan().table_name(&world.table).into_paginator().items().send();
    let mut items: Vec<HashMap<String, AttributeValue>> = pages.collect::<Result<_, _>>().await.unwrap();
    let key = |item: &HashMap<_, _>| KEY_ATTRIBUTES.map(|name| item.get(name).map(|value| format!("{value:?}")));
    items.sort_by_key(key);
    items
}

async fn member(world: &World, name: &str) -> Member {
    world.store.member(world.company, world.staff[name].member).await.unwrap()
}

async fn rename(world: &World, by: Company, read: &Member, name: &str) -> Result<(), Failure> {
    let after = Member { name: PersonName::parse(name).unwrap(), position: Position::default(), ..read.clone() };
    let audit = world.entry();
    world.store.edit_member(by, MemberChange { read, audit: &audit }, &after).await
}

#[tokio::test]
async fn a_write_of_somebody_whose_rights_changed_is_refused_and_changes_nothing() {
    for how in [Change::Disabled, Change::Removed, Change::Demoted] {
        let world = World::new().await;
        let (boss, lin) = (world.acting("boss"), member(&world, "lin").await);
        rename(&world, boss, &lin, "林一").await.unwrap();
        change(&world, "boss", how).await;
        let lin = member(&world, "lin").await;
        assert_eq!(rename(&world, boss, &lin, "林二").await.unwrap_err(), Failure::RightsChanged, "{how:?}");
        // It wins over what else was wrong.
        let stale = Member { name: PersonName::parse("谁").unwrap(), ..lin.clone() };
        assert_eq!(rename(&world, boss, &stale, "林三").await.unwrap_err(), Failure::RightsChanged, "{how:?}");
        assert_eq!(member(&world, "lin").await, lin, "{how:?}");
    }
}

#[tokio::test]
async fn a_change_of_ones_own_item_tells_its_own_condition_from_the_rights() {
    let world = World::new().await;
    let (boss, own) = (world.acting("boss"), member(&world, "boss").await);
    rename(&world, boss, &own, "沈云").await.unwrap();
    assert_eq!(rename(&world, boss, &own, "沈雨").await.unwrap_err(), Failure::VersionConflict);
    change(&world, "boss", Change::Demoted).await;
    let own = member(&world, "boss").await;
    assert_eq!(rename(&world, boss, &own, "沈雪").await.unwrap_err(), Failure::RightsChanged);
    assert_eq!(member(&world, "boss").await, own);
}

#[tokio::test]
async fn a_read_by_key_is_refused_whatever_it_is_of() {
    let world = World::new().await;
    let (acting, card) = (world.acting("lin"), world.card("lin"));
    let (own, other) = (world.staff["lin"].member, world.staff["chen"].member);
    assert_eq!(world.store.card(acting, card).await.unwrap().id, card);
    assert_eq!(world.store.member(acting, own).await.unwrap().id, own, "their own item, asked for once");
    let (found, second) = world.store.member_and_other(acting, other, Some(own)).await.unwrap();
    assert_eq!((found.id, second.map(|second| second.id)), (other, Some(own)));
    let (_, found) = world.store.company_and_member(acting, Some(other)).await.unwrap();
    assert_eq!(found.unwrap().id, other, "not the actor, who is read beside them");
    assert_eq!(world.store.existing_cards(acting, &[card]).await.unwrap(), [card]);
    assert_eq!(world.store.paths_of_cards(acting, &[card]).await.unwrap().len(), 1);
    change(&world, "lin", Change::Promoted).await;
    let refused = Failure::RightsChanged;
    assert_eq!(world.store.card(acting, card).await.unwrap_err(), refused);
    assert_eq!(world.store.member(acting, own).await.unwrap_err(), refused);
    assert_eq!(world.store.member_and_other(acting, other, Some(own)).await.unwrap_err(), refused);
    assert_eq!(world.store.existing_cards(acting, &[card]).await.unwrap_err(), refused);
    assert_eq!(world.store.paths_of_cards(acting, &[card]).await.unwrap_err(), refused);
    let unknown = CardId::from_uuid(Uuid::nil());
    assert_eq!(world.store.card(acting, unknown).await.unwrap_err(), refused, "not what exists");
}

#[tokio::test]
async fn a_token_that_was_never_of_the_member_is_refused() {
    let world = World::new().await;
    let card = world.card("lin");
    let Acting { member, person, role, rights } = world.acting("lin").actor().unwrap();
    let forged = [
        Acting { person: world.visitor, member, role, rights },
        Acting { role: Role::Boss, member, person, rights },
        Acting { rights: 1, member, person, role },
        Acting { member: world.staff["chen"].member, person, role, rights },
    ];
    for acting in forged {
        let company = Company::acting(world.company.id(), acting);
        assert_eq!(world.store.card(company, card).await.unwrap_err(), Failure::RightsChanged, "{acting:?}");
    }
}

#[tokio::test]
async fn a_retry_gets_the_first_result_while_the_rights_stand_and_not_after() {
    let world = World::new().await;
    let (boss, new) = (world.acting("boss"), world.member("zhao", Role::Staff));
    let request = Idempotency { key: "add".to_owned(), fingerprint: "zhao".to_owned() };
    let add = async || world.store.add_member(boss, new.clone(), &world.entry(), &request).await;
    assert_eq!(add().await.unwrap(), new);
    assert_eq!(add().await.unwrap(), new);
    change(&world, "boss", Change::Disabled).await;
    assert_eq!(add().await.unwrap_err(), Failure::RightsChanged);
}

#[tokio::test]
async fn rights_are_counted_from_none_and_only_by_what_changes_them() {
    let world = World::new().await;
    let lin = AttributeValue::S(world.staff["lin"].member.to_string());
    let count = async || {
        let items = table(&world).await;
        let item = items.iter().find(|item| item.get("id") == Some(&lin)).unwrap();
        item.get("rights").map(|rights| rights.as_n().unwrap().clone())
    };
    assert_eq!(count().await, None, "an item of before looks the same");
    rename(&world, world.company, &member(&world, "lin").await, "林一").await.unwrap();
    assert_eq!(count().await, None, "a name is no right");
    change(&world, "lin", Change::Promoted).await;
    assert_eq!(count().await.as_deref(), Some("1"));
    change(&world, "lin", Change::Disabled).await;
    assert_eq!(count().await.as_deref(), Some("2"));
    let read = member(&world, "lin").await;
    assert_eq!(read.rights, 2);
    let audit = world.entry();
    let of = MemberChange { read: &read, audit: &audit };
    world.store.set_member_ended(world.company, of, None, SeatChange::Take).await.unwrap();
    assert_eq!(count().await.as_deref(), Some("3"));
}

#[tokio::test]
async fn switching_a_radar_off_ends_the_tokens_of_its_member_and_nothing_else_does() {
    let world = World::new().await;
    let none = world.store.activation(world.company, world.staff["lin"].member).await.unwrap();
    let mobile = Mobile::parse("13800138000").unwrap();
    let mut before = none;
    for (step, rights) in [
        (ActivationStep::Grant(mobile.clone(), None), 0),
        (ActivationStep::Join(RadarEntry::CompanyQr), 0),
        (ActivationStep::Revoke, 1),
        (ActivationStep::Grant(mobile.clone(), None), 1),
        (ActivationStep::Revoke, 1),
    ] {
        let after = before.after(step, world.clock.now()).unwrap();
        let (lin, audit) = (member(&world, "lin").await, world.entry());
        world.store.change_activation_of(world.company, &lin, (&before, &after), &audit).await.unwrap();
        assert_eq!(member(&world, "lin").await.rights, rights, "{}", after.state.name());
        before = after;
    }
}

#[tokio::test]
async fn the_next_token_counts_again_over_http() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let organization = functions.router("organization");
    add_seats(&world, 5).await;
    let path = format!("/v1/members/{}", world.staff["chen"].member);
    let edit = async |token: &str, name: &str| {
        let body = serde_json::json!({"name": name, "position": ""});
        send(organization, ("PUT", &path), (Some(token), None), Some(body)).await
    };
    let before = world.token("boss");
    assert_eq!(edit(&before, "陈一").await.0, 200);
    let demoted = member(&world, "boss").await;
    let audit = world.entry();
    let of = MemberChange { read: &demoted, audit: &audit };
    world.store.set_member_role(world.company, of, Role::Admin).await.unwrap();
    let (status, problem) = edit(&before, "陈二").await;
    assert_eq!((status, &problem["code"]), (401, &"rights_changed".into()), "{problem}");
    let now = world.token_of_now("boss").await;
    assert_eq!(edit(&now, "陈二").await.0, 200, "an admin edits staff");
}
