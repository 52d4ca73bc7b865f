//! Logins of one person with memberships in several companies.

use domain::company::{Company, CompanyProfile, Link};
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, MemberId};
use domain::kernel::text::{AppId, Line, OpenId, UnionId};
use domain::people::member::{Ended, Role, SeatChange};
use serde_json::Value;
use store::{ClaimRequest, MemberChange, NewCompany};
use testkit::events::{call, load};
use testkit::world::World;

use crate::functions::organization;

fn unionid() -> UnionId {
    UnionId::parse("union-1").unwrap()
}

/// Another company in the world's table, whose boss has the openid `wang` there.
pub(crate) async fn another_company(world: &World) -> (Company, Link) {
    // Later ids sort later only from one millisecond to the next.
    world.clock.advance(1);
    let now = world.clock.now();
    let id: CompanyId = world.ids.new_id(now).unwrap();
    let (name, appid) = (Line::parse("别家茶业").unwrap(), AppId::parse("wx00000000000002").unwrap());
    let profile = CompanyProfile { id, name, appid, wecom: None, suspended: false, created_at: now };
    let boss = world.member("other-boss", Role::Boss);
    let new = NewCompany { profile, boss: boss.clone(), seats: 5 };
    world.store.create_company(new, &world.request("other"), now).await.unwrap();
    let (company, openid) = (Company::granted(id), OpenId::parse("wang").unwrap());
    let person = world.store.sign_in(company, &openid, world.ids.new_id(now).unwrap(), now).await.unwrap();
    let unionid = unionid();
    let claiming = ClaimRequest { person, openid: &openid, unionid: Some(&unionid), hash: &boss.claim_hash, now };
    world.store.claim_membership(company, claiming).await.unwrap();
    (company, Link { person: person.id, member: boss.member.id })
}

/// A login through the world's mini-program with this code, and a company chosen.
async fn log_in(world: &World, code: &str, chosen: Option<Company>) -> (u16, Value) {
    let router = organization(world, "sms").await;
    let mut payload: Value = serde_json::from_str(&load("organization", "create_session", world)).unwrap();
    let mut body = serde_json::json!({"appid": world.appid.as_str(), "code": code});
    if let Some(chosen) = chosen {
        body["company_id"] = Value::String(chosen.id().to_string());
    }
    payload["body"] = Value::String(body.to_string());
    call(&router, &payload.to_string()).await
}

fn choices(body: &Value) -> Vec<(String, bool)> {
    let choice =
        |found: &Value| (found["company_id"].as_str().unwrap().to_owned(), found["current"].as_bool().unwrap());
    body["companies"].as_array().unwrap().iter().map(choice).collect()
}

#[tokio::test]
async fn a_claim_is_noted_under_the_unionid_and_an_older_membership_at_the_next_login() {
    let world = World::new().await;
    let (other, link) = another_company(&world).await;
    let openid = OpenId::parse("lin").unwrap();
    let context = world.store.login_context(world.company, &openid, Some(&unionid())).await.unwrap();
    assert_eq!(context.links.into_iter().collect::<Vec<_>>(), [(other, link)]);
    assert_eq!(context.person.unwrap().member, Some(world.staff["lin"].member));
    let own = Link { person: world.staff["lin"].person, member: world.staff["lin"].member };
    world.store.link_membership(&unionid(), world.company, own).await.unwrap();
    let context = world.store.login_context(world.company, &openid, Some(&unionid())).await.unwrap();
    assert_eq!(context.links.into_iter().collect::<Vec<_>>(), [(world.company, own), (other, link)]);
    let context = world.store.login_context(world.company, &openid, None).await.unwrap();
    assert!(context.links.is_empty(), "nothing is known without a unionid");
    let stranger = OpenId::parse("nobody").unwrap();
    assert_eq!(world.store.login_context(world.company, &stranger, None).await.unwrap().person, None);
    let nowhere = Company::granted(world.ids.new_id(world.clock.now()).unwrap());
    assert_eq!(world.store.login_context(nowhere, &openid, None).await.unwrap_err(), Failure::NotFound);
}

#[tokio::test]
async fn member_logins_are_of_members_who_exist() {
    let world = World::new().await;
    let (other, link) = another_company(&world).await;
    let nobody: MemberId = world.ids.new_id(world.clock.now()).unwrap();
    let lin = world.staff["lin"].member;
    let find = async |wanted: &[(Company, MemberId)]| {
        let found = world.store.member_logins(wanted, None).await.unwrap().0;
        found.iter().map(|found| (found.company, found.profile.id, found.member.id)).collect::<Vec<_>>()
    };
    let both = [(world.company, world.company.id(), lin), (other, other.id(), link.member)];
    assert_eq!(find(&[(world.company, lin), (other, link.member)]).await, both);
    assert_eq!(find(&[(world.company, nobody), (other, lin)]).await, [], "no member of one is one of the other");
}

#[tokio::test]
async fn a_person_of_two_companies_chooses_one_per_session() {
    let world = World::new().await;
    let (other, link) = another_company(&world).await;
    let (own_id, other_id) = (world.company.id().to_string(), other.id().to_string());
    for _ in 0..2 {
        let (status, body) = log_in(&world, "lin--union-1", None).await;
        assert_eq!((status, body["company"]["id"].as_str()), (201, Some(own_id.as_str())), "{body}");
        assert_eq!(choices(&body), [(own_id.clone(), true), (other_id.clone(), false)]);
    }
    let (status, body) = log_in(&world, "lin--union-1", Some(other)).await;
    assert_eq!((status, body["company"]["id"].as_str()), (201, Some(other_id.as_str())), "{body}");
    assert_eq!(body["person_id"].as_str(), Some(link.person.to_string().as_str()));
    assert_eq!(body["member"]["id"].as_str(), Some(link.member.to_string().as_str()));
    assert_eq!(choices(&body), [(own_id, false), (other_id.clone(), true)]);
    // A visitor of this company who is a member of the other.
    let (status, body) = log_in(&world, "passer-by--union-1", None).await;
    assert_eq!((status, body["kind"].as_str()), (201, Some("visitor")), "{body}");
    assert_eq!(choices(&body), [(other_id, false)]);
}

#[tokio::test]
async fn a_company_is_chosen_only_with_its_own_unionid_and_while_the_membership_lasts() {
    let world = World::new().await;
    let (other, link) = another_company(&world).await;
    let absent = Company::granted(world.ids.new_id(world.clock.now()).unwrap());
    for (code, chosen) in [("lin", other), ("lin--union-2", other), ("lin--union-1", absent)] {
        let (status, body) = log_in(&world, code, Some(chosen)).await;
        assert_eq!((status, body["code"].as_str()), (404, Some("not_found")), "{code}: {body}");
    }
    let (status, _) = log_in(&world, "lin--union-2", Some(world.company)).await;
    assert_eq!(status, 201, "the mini-program's own company needs no choice");
    let read = world.store.member(other, link.member).await.unwrap();
    let entry = world.entry();
    let change = MemberChange { read: &read, audit: &entry };
    world.store.set_member_ended(other, change, Some(Ended::Left), SeatChange::GiveBack).await.unwrap();
    let (status, _) = log_in(&world, "lin--union-1", Some(other)).await;
    assert_eq!(status, 404);
    let (_, body) = log_in(&world, "lin--union-1", None).await;
    assert_eq!(choices(&body).len(), 1, "who left is not asked again");
}

#[tokio::test]
async fn a_note_that_is_not_true_any_more_opens_nothing() {
    let world = World::new().await;
    let (other, link) = another_company(&world).await;
    let stranger = world.staff["chen"].person;
    let false_link = Link { person: stranger, ..link };
    world.store.link_membership(&unionid(), other, false_link).await.unwrap();
    let (status, _) = log_in(&world, "lin--union-1", Some(other)).await;
    assert_eq!(status, 404, "the member is not this person's");
}
