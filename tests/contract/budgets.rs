//! Budgets on DynamoDB Local: exact under parallel requests, refilled on time, and enforced at every
//! operation that declares them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::kernel::address::ClientAddress;
use domain::kernel::budget::{BUDGETS, Budget, BudgetName, BudgetScope, BudgetSpend, BudgetSubject};
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::SECOND_MS;
use domain::media::upload::Purpose;
use testkit::world::World;

fn company_spend(world: &World, tokens: u64) -> BudgetSpend {
    BudgetSpend { budget: BudgetName::Sms, subject: BudgetSubject::Company(world.company), tokens }
}

/// Spends in parallel; returns how many succeeded. The others were over the budget.
async fn spend_in_parallel(world: &Arc<World>, times: usize, spend: &BudgetSpend) -> usize {
    let tasks = (0..times).map(|_| {
        let (world, spend) = (Arc::clone(world), spend.clone());
        tokio::spawn(async move { world.store.spend(&spend, world.clock.now()).await })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(()) => done += 1,
            Err(failure) => assert!(matches!(failure, Failure::OverBudget(_)), "{failure}"),
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_exact_under_two_hundred_parallel_requests_and_refilled_on_time() {
    let world = Arc::new(World::new().await);
    let rate = BudgetName::Sms.budget().rates[0];
    let (one, token_ms) = (company_spend(&world, 1), rate.token_us / 1_000);
    // Half is spent, so that both cases are met: full and filling.
    world.store.spend(&company_spend(&world, rate.capacity / 2), world.clock.now()).await.unwrap();
    let left = usize::try_from(rate.capacity / 2).unwrap();
    assert_eq!(spend_in_parallel(&world, 200, &one).await, left);
    world.clock.advance(token_ms - 1);
    assert_eq!(spend_in_parallel(&world, 20, &one).await, 0);
    world.clock.advance(1);
    assert_eq!(spend_in_parallel(&world, 20, &one).await, 1);
    world.clock.advance(7 * token_ms);
    assert_eq!(spend_in_parallel(&world, 20, &one).await, 7);
    // A full bucket, which all begin at the same moment.
    world.clock.advance(i64::try_from(rate.capacity).unwrap() * token_ms);
    assert_eq!(spend_in_parallel(&world, 250, &one).await, 200);
}

#[tokio::test]
async fn a_refusal_says_how_long_to_wait_and_each_rate_of_a_budget_counts() {
    let world = World::new().await;
    let guess = BudgetSpend::one(BudgetName::CodeGuesses, BudgetSubject::Person(world.company, world.visitor));
    let mut waited = Vec::new();
    for _ in 0..12 {
        let wait_s = match world.store.spend(&guess, world.clock.now()).await {
            Ok(()) => 0,
            Err(Failure::OverBudget(over)) => over.retry_after_s(),
            Err(other) => panic!("{other}"),
        };
        if wait_s > 0 {
            world.clock.advance(i64::from(wait_s) * SECOND_MS - 1);
            assert!(world.store.spend(&guess, world.clock.now()).await.is_err(), "a millisecond too early");
            world.clock.advance(1);
            world.store.spend(&guess, world.clock.now()).await.unwrap();
        }
        waited.push(wait_s);
    }
    assert_eq!((&waited[..5], &waited[5..10], waited[11]), (&[0; 5][..], &[60; 5][..], 1_800));
}

#[tokio::test]
async fn companies_people_and_addresses_have_buckets_of_their_own() {
    let world = World::new().await;
    let now = world.clock.now();
    let spend = async |subject, tokens| {
        world.store.spend(&BudgetSpend { budget: BudgetName::PhoneGrants, subject, tokens }, now).await
    };
    let lin = world.staff["lin"].person;
    spend(BudgetSubject::Person(world.company, lin), 5).await.unwrap();
    assert!(spend(BudgetSubject::Person(world.company, lin), 1).await.is_err());
    spend(BudgetSubject::Person(world.company, world.visitor), 5).await.unwrap();
    let nowhere = domain::company::Company::granted(world.ids.new_id(now).unwrap());
    spend(BudgetSubject::Person(nowhere, lin), 5).await.unwrap();
    for text in ["203.0.113.1", "203.0.113.2"] {
        spend(BudgetSubject::Address(ClientAddress::parse(text).unwrap()), 5).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_spent_in_a_transaction_is_exact_and_a_retry_spends_nothing() {
    let world = Arc::new(World::new().await);
    let member = BudgetSubject::Member(world.company, world.staff["lin"].member);
    let rate = BudgetName::Uploads.budget().rates[0];
    let upload = async |world: &World, key: &str| {
        let spends = [
            BudgetSpend::one(BudgetName::Uploads, member.clone()),
            BudgetSpend::bytes(BudgetName::UploadBytes, member.clone(), 1_000),
        ];
        let upload = world.upload(Purpose::Photo);
        world.store.create_upload(world.company, upload, &world.request(key), &spends).await
    };
    let first = upload(&world, "first").await.unwrap();
    assert_eq!(upload(&world, "first").await.unwrap().id, first.id);
    for n in 1..rate.capacity {
        upload(&world, &format!("{n}")).await.unwrap();
    }
    assert_eq!(upload(&world, "first").await.unwrap().id, first.id, "over the budget, but done before");
    let refused = upload(&world, "more").await.unwrap_err();
    let Failure::OverBudget(over) = refused else { panic!("{refused}") };
    assert_eq!((over.budget, over.wait_us), (BudgetName::Uploads, rate.token_us));
    world.clock.advance(rate.token_us / 1_000);
    upload(&world, "more").await.unwrap();
}

/// The budgets of an operation in the API document.
fn declared(operation: &serde_json::Value) -> BTreeSet<String> {
    let names = operation["x-budgets"].as_array().into_iter().flatten();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Empties all buckets of a budget that a request of the event files could take from.
async fn empty(world: &World, budget: &Budget) {
    let subjects: Vec<_> = match budget.scope {
        BudgetScope::Company => vec![BudgetSubject::Company(world.company)],
        BudgetScope::Address => vec![BudgetSubject::Address(ClientAddress::parse("127.0.0.1").unwrap())],
        BudgetScope::PhoneNumber => {
            vec![BudgetSubject::PhoneNumber(domain::kernel::mobile::Mobile::parse("13800000001").unwrap())]
        }
        BudgetScope::Person => {
            let staff = world.staff.values().flat_map(|staff| {
                let (person, member) = (staff.person, staff.member);
                [BudgetSubject::Person(world.company, person), BudgetSubject::Member(world.company, member)]
            });
            staff.chain([BudgetSubject::Person(world.company, world.visitor)]).collect()
        }
    };
    for subject in subjects {
        let tokens = budget.rates[0].capacity;
        world.store.spend(&BudgetSpend { budget: budget.name, subject, tokens }, world.clock.now()).await.unwrap();
    }
}
