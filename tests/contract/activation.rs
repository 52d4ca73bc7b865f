//! Activations on DynamoDB Local: one of two writers wins, and a retry sends no second code.

use std::sync::Arc;

use domain::kernel::failure::Failure;
use domain::kernel::id::{Id, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use domain::people::activation::{Activation, ActivationStep, RadarEntry, SentCode, TRIES};
use serde_json::Value;
use store::CodeSent;
use testkit::events::{call, load};
use testkit::world::World;
use uuid::Uuid;

use crate::functions::organization;

fn sent(world: &World, nonce: &str) -> SentCode {
    SentCode { nonce: nonce.to_owned(), hash: "h".to_owned(), sent_at: world.clock.now(), tries_left: TRIES }
}

async fn granted(world: &World) -> Activation {
    let none = world.store.activation(world.company, world.staff["lin"].member).await.unwrap();
    let grant = ActivationStep::Grant(Mobile::parse("13800138000").unwrap(), Some(sent(world, "n1")));
    let after = none.after(grant, world.clock.now()).unwrap();
    world.store.change_activation(world.company, &after).await.unwrap();
    after
}

#[tokio::test]
async fn an_activation_is_read_as_it_was_written_and_the_login_finds_it() {
    let world = World::new().await;
    let member = world.staff["lin"].member;
    let after = granted(&world).await;
    assert_eq!(world.store.activation(world.company, member).await.unwrap(), after);
    let found = world.store.radar_of(world.company, member, None).await.unwrap();
    assert_eq!((found.member.id, found.activation, found.before), (member, after.clone(), None));
    let (standings, asked) = world.store.member_logins(&[(world.company, member)], None).await.unwrap();
    assert_eq!((standings.len(), &standings[0].activation, asked), (1, &after, None));
    assert_eq!(world.store.member_logins(&[], None).await.unwrap(), (Vec::new(), None));
    let nobody = world.store.radar_of(world.company, MemberId::from_uuid(Uuid::nil()), None).await;
    assert_eq!(nobody.unwrap_err(), Failure::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_of_one_version_one_is_stored() {
    let world = Arc::new(World::new().await);
    let before = granted(&world).await;
    let tasks = (0..10).map(|_| {
        let (world, before) = (Arc::clone(&world), before.clone());
        tokio::spawn(async move {
            let after = before.after(ActivationStep::Redeem { right: true }, world.clock.now()).unwrap();
            world.store.change_activation(world.company, &after).await
        })
    });
    let mut stored = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(()) => stored += 1,
            Err(failure) => assert_eq!(failure, Failure::Busy),
        }
    }
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn a_retried_resend_gives_the_first_result_until_it_is_taken_back() {
    let world = World::new().await;
    let before = granted(&world).await;
    let lin = world.store.member(world.company, before.member).await.unwrap();
    world.clock.advance(60_000);
    let (now, request) = (world.clock.now(), world.request("codes"));
    let after = before.after(ActivationStep::Resend(Some(sent(&world, "n2"))), now).unwrap();
    let first = CodeSent { nonce: "n2".to_owned(), at: now };
    let replace = async |after: &Activation, nonce: &str| {
        let result = CodeSent { nonce: nonce.to_owned(), at: now };
        let to = (&lin, after);
        world.store.replace_code(world.company, to, result, &request, &world.entry()).await
    };
    assert_eq!(replace(&after, "n2").await.unwrap(), first);
    assert_eq!(replace(&after, "n3").await.unwrap(), first, "a retry that did not look before");
    let look = async |request: &Idempotency| {
        world.store.radar_of(world.company, before.member, Some((request, now))).await.map(|found| found.before)
    };
    assert_eq!(look(&request).await.unwrap(), Some(first));
    let other = Idempotency { fingerprint: "other".to_owned(), ..request.clone() };
    assert_eq!(look(&other).await.unwrap_err(), Failure::KeyReused);
    let failed = after.after(ActivationStep::SendFailed("n2".to_owned()), now).unwrap();
    world.store.take_code_back(world.company, &failed, &request).await.unwrap();
    assert_eq!(look(&request).await.unwrap(), None);
    let stale = world
        .store
        .replace_code(
            world.company,
            (&lin, &after),
            CodeSent { nonce: "n4".to_owned(), at: now },
            &world.request("another"),
            &world.entry(),
        )
        .await;
    assert_eq!(stale.unwrap_err(), Failure::Busy);
}

#[tokio::test]
async fn without_an_sms_account_the_grant_stands_and_says_so() {
    let world = World::new().await;
    let router = organization(&world, "absent").await;
    let (status, body) = call(&router, &load("organization", "grant_radar", &world)).await;
    assert_eq!((status, &body["state"], &body["sms"]), (200, &"granted".into(), &"not_configured".into()), "{body}");
    assert_eq!((&body["sent_at"], &body["phone"]), (&Value::Null, &"+86138****0001".into()));
    let (status, body) = call(&router, &load("organization", "create_radar_code.not_granted", &world)).await;
    assert_eq!((status, &body["sms"], &body["sent_at"]), (201, &"not_configured".into(), &Value::Null), "{body}");
}

#[tokio::test]
async fn activations_are_listed_page_by_page() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for name in ["lin", "chen", "wang"] {
        let none = Activation::none(world.staff[name].member);
        let grant = ActivationStep::Grant(Mobile::parse("13800138000").unwrap(), None);
        let after = none.after(grant, world.clock.now()).unwrap();
        world.store.change_activation(world.company, &after).await.unwrap();
        expected.push(after);
    }
    expected.sort_by_key(|activation| activation.member);
    let joined = expected[1].after(ActivationStep::Join(RadarEntry::CompanyQr), world.clock.now()).unwrap();
    world.store.change_activation(world.company, &joined).await.unwrap();
    expected[1] = joined;
    let first = world.store.list_activations(world.company, None, 2).await.unwrap();
    let second = world.store.list_activations(world.company, first.next, 2).await.unwrap();
    assert_eq!([first.items, second.items].concat(), expected);
    assert_eq!(second.next, None);
}
