//! Seats on DynamoDB Local: never oversold, and every hold accounted for.

use std::sync::Arc;

use domain::company::audit::AuditFilter;
use domain::company::quota::Quota;
use domain::kernel::failure::{Failure, Resource};
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::DAY_MS;
use domain::people::member::{Ended, MemberStatus, Role, SeatChange};
use store::{ClaimRequest, Claimed, MemberChange, MemberFilter, NewMember, QuotaName};
use testkit::world::{SEATS, World};

use crate::http::seat_balance;

async fn quota(world: &World) -> Quota {
    let quota = seat_balance(world).await;
    assert_eq!(quota.limit(), i64::from(SEATS));
    quota
}

async fn add(world: &World, name: &str) -> Result<NewMember, Failure> {
    let new = world.member(name, Role::Staff);
    // Like the function: a client repeats a request that met other writers.
    loop {
        match world.store.add_member(world.company, new.clone(), &world.entry(), &world.request(name)).await {
            Err(Failure::Busy) => tokio::task::yield_now().await,
            done => return done,
        }
    }
}

async fn claim(world: &World, new: &NewMember, openid: &str) -> Claimed {
    let openid = OpenId::parse(openid).unwrap();
    loop {
        let person = world.sign_in(openid.as_str()).await;
        let claiming =
            ClaimRequest { person, openid: &openid, unionid: None, hash: &new.claim_hash, now: world.clock.now() };
        match world.store.claim_membership(world.company, claiming).await {
            Err(Failure::Busy) => tokio::task::yield_now().await,
            done => return done.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parallel_joins_fill_the_free_seats_and_no_more() {
    let world = Arc::new(World::new().await);
    let free = quota(&world).await.available;
    assert_eq!(free, 6, "ten seats, four members");
    let tasks = (0..100).map(|n| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let new = add(&world, &format!("joiner-{n}")).await?;
            Ok::<_, Failure>(claim(&world, &new, &format!("joiner-{n}")).await)
        })
    });
    let (mut joined, mut refused) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(Claimed::Member(_)) => joined += 1,
            Err(Failure::Exhausted(Resource::Seats)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((joined, refused), (free, 100 - free));
    assert_eq!(quota(&world).await, Quota { available: 0, reserved: 0, used: 10 });
}

#[tokio::test]
async fn an_invitation_holds_its_seat_until_it_expires() {
    let world = World::new().await;
    let first = add(&world, "first").await.unwrap();
    for n in 0..5 {
        add(&world, &format!("m{n}")).await.unwrap();
    }
    assert_eq!(add(&world, "one-too-many").await.unwrap_err(), Failure::Exhausted(Resource::Seats));
    assert_eq!(world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap(), 0);
    world.clock.advance(7 * DAY_MS);
    assert_eq!(claim(&world, &first, "first").await, Claimed::Refused, "expired");
    assert_eq!(world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap(), 6);
    assert_eq!(
        world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap(),
        0,
        "once only"
    );
    assert_eq!(quota(&world).await, Quota { available: 6, reserved: 0, used: 4 });
    assert!(add(&world, "after").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sweeps_and_claims_at_once_free_or_use_each_seat_once() {
    let world = Arc::new(World::new().await);
    let mut invited = Vec::new();
    for n in 0..6 {
        invited.push(add(&world, &format!("m{n}")).await.unwrap());
    }
    // A moment before the expiry: half of the claims may still be in time.
    world.clock.advance(7 * DAY_MS - 1);
    let claims = invited.into_iter().enumerate().map(|(n, new)| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let claimed = claim(&world, &new, &format!("m{n}")).await;
            world.clock.advance(1);
            claimed
        })
    });
    let claims: Vec<_> = claims.collect();
    let sweeps = (0..4).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await })
    });
    for sweep in sweeps.collect::<Vec<_>>() {
        let swept = sweep.await.unwrap();
        assert!(matches!(swept, Ok(_) | Err(Failure::Busy)), "{swept:?}");
    }
    let mut joined = 0;
    for claim in claims {
        joined += i64::from(matches!(claim.await.unwrap(), Claimed::Member(_)));
    }
    let quota = quota(&world).await;
    assert_eq!(quota.used, 4 + joined);
}

#[tokio::test]
async fn a_member_who_leaves_frees_their_seat_and_needs_one_to_return() {
    let world = World::new().await;
    let lin = world.staff["lin"].member;
    let set = async |ended: Option<Ended>, seat| {
        let read = world.store.member(world.company, lin).await.unwrap();
        let entry = world.entry();
        world.store.set_member_ended(world.company, MemberChange { read: &read, audit: &entry }, ended, seat).await
    };
    set(Some(Ended::Left), SeatChange::GiveBack).await.unwrap();
    assert_eq!(quota(&world).await.used, 3);
    for n in 0..7 {
        add(&world, &format!("m{n}")).await.unwrap();
    }
    assert_eq!(set(None, SeatChange::Take).await.unwrap_err(), Failure::Exhausted(Resource::Seats));
    assert_eq!(world.store.member(world.company, lin).await.unwrap().status(), MemberStatus::Left, "nothing changed");
    world.clock.advance(7 * DAY_MS);
    world.store.sweep_quota(world.company, QuotaName::Seats, world.clock.now()).await.unwrap();
    set(None, SeatChange::Take).await.unwrap();
    assert_eq!(quota(&world).await.used, 4);
    let log = world.store.audit_log(world.company, &AuditFilter::default(), None, 100).await.unwrap();
    assert_eq!(log.items.len(), 3 + 7 + 2, "three employees, seven invitations, two changes");
}

#[tokio::test]
async fn of_two_changes_from_the_same_reading_one_counts() {
    let world = World::new().await;
    let read = world.store.member(world.company, world.staff["lin"].member).await.unwrap();
    let leave = async || {
        let entry = world.entry();
        let change = MemberChange { read: &read, audit: &entry };
        world.store.set_member_ended(world.company, change, Some(Ended::Left), SeatChange::GiveBack).await
    };
    leave().await.unwrap();
    assert_eq!(leave().await.unwrap_err(), Failure::VersionConflict);
    assert_eq!(quota(&world).await.used, 3);
}

#[tokio::test]
async fn seats_are_added_once_per_request() {
    let world = World::new().await;
    let add = async || {
        let entry = world.entry();
        world.store.resize_quota(world.company, QuotaName::Seats, 5, &entry, &world.request("order-1")).await
    };
    assert_eq!((add().await, add().await), (Ok(5), Ok(5)));
    let seats = world.store.quota(world.company, QuotaName::Seats).await.unwrap();
    assert_eq!(seats.limit(), i64::from(SEATS) + 5);
}

#[tokio::test]
async fn a_role_changes_from_what_it_was_read_as() {
    let world = World::new().await;
    let read = world.store.member(world.company, world.staff["lin"].member).await.unwrap();
    let entry = world.entry();
    let change = MemberChange { read: &read, audit: &entry };
    world.store.set_member_role(world.company, change, Role::Admin).await.unwrap();
    let entry = world.entry();
    let again = MemberChange { read: &read, audit: &entry };
    assert_eq!(
        world.store.set_member_role(world.company, again, Role::Boss).await.unwrap_err(),
        Failure::VersionConflict
    );
    assert_eq!(world.store.member(world.company, read.id).await.unwrap().role, Role::Admin);
}

#[tokio::test]
async fn members_are_found_by_status_and_by_a_part_of_their_name() {
    let world = World::new().await;
    add(&world, "林小雨").await.unwrap();
    add(&world, "林大山").await.unwrap();
    let find = async |status, name: Option<&str>, limit| {
        let filter = MemberFilter { status, name: name.map(str::to_owned), ..MemberFilter::default() };
        let page = world.store.list_members(world.company, &filter, None, limit).await.unwrap();
        (page.items.len(), page.next.is_some())
    };
    assert_eq!(find(Some(MemberStatus::Invited), None, 10).await, (2, false));
    assert_eq!(find(None, Some("林"), 1).await, (1, true));
    assert_eq!(find(Some(MemberStatus::Active), Some("林"), 10).await, (0, false));
}

#[tokio::test]
async fn housekeeping_frees_the_seats_of_expired_invitations_of_every_company() {
    let world = World::new().await;
    add(&world, "stays").await.unwrap();
    world.clock.advance(3 * DAY_MS);
    let later = add(&world, "later").await.unwrap();
    let housekeeping = crate::functions::housekeeping(&world, 60).await;
    let swept = async || housekeeping.run(crate::functions::no_stop(), "r").await.unwrap().expired_holds;
    assert_eq!(swept().await, 0, "nothing has expired");
    world.clock.advance(4 * DAY_MS - 1);
    assert_eq!(swept().await, 0, "a moment before");
    world.clock.advance(1);
    assert_eq!((swept().await, swept().await), (1, 0));
    assert_eq!(quota(&world).await, Quota { available: 5, reserved: 1, used: 4 });
    assert_eq!(claim(&world, &later, "later").await, Claimed::Member(later.member.id));
    world.clock.advance(9 * DAY_MS);
    assert_eq!(swept().await, 0, "a claimed invitation does not wait for its expiry any more");
    let payload: serde_json::Value =
        serde_json::from_str(&testkit::events::load("housekeeping", "sweep", &world)).unwrap();
    assert_eq!(payload["source"], "aws.events");
}
