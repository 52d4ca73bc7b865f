//! Login codes that WeChat refuses cost who sends them: neither the company nor other addresses.

use axum::Router;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::address::ClientAddress;
use domain::kernel::budget::BudgetName;
use domain::kernel::timestamp::SECOND_MS;
use testkit::events::{call, load};
use testkit::world::World;

use crate::budgets_in_memory::{capacity, from_address};
use crate::functions::organization;

const ATTACKER: &str = "203.0.113.7";
const VISITOR: &str = "198.51.100.1";

/// A login from an address with a code that WeChat refuses, or one that it accepts: status, and the
/// budget or the code of the answer.
async fn log_in(router: &Router, world: &World, right: bool, address: &str) -> (u16, String) {
    let case = if right { "create_session.newcomer" } else { "create_session.used_code" };
    let (status, body) = call(router, &from_address(&load("organization", case, world), address)).await;
    let said = body["budget"].as_str().or_else(|| body["code"].as_str()).unwrap_or_default();
    (status, said.to_owned())
}

fn refused_by(budget: BudgetName) -> (u16, String) {
    (429, budget.name().to_owned())
}

fn code_invalid() -> (u16, String) {
    (401, "login_code_invalid".to_owned())
}

/// Leaves this many login codes to the world's company.
async fn leave_codes(world: &World, left: u64) {
    let subject = BudgetSubject::Company(world.company);
    let tokens = capacity(BudgetName::LoginCodes) - left;
    let spend = BudgetSpend { budget: BudgetName::LoginCodes, subject, tokens };
    world.store.spend(&spend, world.clock.now()).await.unwrap();
}

#[tokio::test]
async fn codes_that_wechat_refuses_take_nothing_from_the_company() {
    let world = World::new().await;
    let router = organization(&world, "sms").await;
    leave_codes(&world, 1).await;
    for n in 0..30 {
        let found = log_in(&router, &world, false, &format!("203.0.113.{n}")).await;
        assert_eq!(found, code_invalid(), "{n}");
    }
    assert_eq!(log_in(&router, &world, true, VISITOR).await.0, 201);
    let refused = log_in(&router, &world, true, VISITOR).await;
    assert_eq!(refused, refused_by(BudgetName::LoginCodes), "a code that is accepted costs its token");
}

#[tokio::test]
async fn an_address_that_sends_wrong_codes_is_refused_without_a_call_until_its_time_is_over() {
    let world = World::new().await;
    let (router, other_process) = (organization(&world, "sms").await, organization(&world, "sms").await);
    for n in 0..capacity(BudgetName::RefusedLoginCodes) {
        assert_eq!(log_in(&router, &world, false, ATTACKER).await, code_invalid(), "{n}");
    }
    let refused = refused_by(BudgetName::RefusedLoginCodes);
    assert_eq!(log_in(&router, &world, false, ATTACKER).await, refused);
    // Whoever asked the company's budget first would be refused by it.
    leave_codes(&world, 0).await;
    assert_eq!(log_in(&router, &world, true, ATTACKER).await, refused, "it is remembered");
    assert_eq!(log_in(&router, &world, true, VISITOR).await, refused_by(BudgetName::LoginCodes));
    let wait_ms = BudgetName::RefusedLoginCodes.budget().rates[0].token_us / 1_000;
    world.clock.advance(wait_ms - 1);
    assert_eq!(log_in(&router, &world, true, ATTACKER).await, refused, "a millisecond too early");
    assert_eq!(log_in(&other_process, &world, true, ATTACKER).await.0, 201, "honest codes cost no token there");
    assert_eq!(log_in(&other_process, &world, false, ATTACKER).await, refused, "the table knows it everywhere");
    world.clock.advance(1);
    assert_eq!(log_in(&router, &world, true, ATTACKER).await.0, 201);
    assert_eq!(log_in(&router, &world, false, ATTACKER).await, code_invalid(), "one has come back");
    assert_eq!(log_in(&router, &world, false, ATTACKER).await, refused);
}

#[tokio::test]
async fn three_hundred_honest_logins_behind_one_address_cost_no_wrong_code() {
    let world = World::new().await;
    let router = organization(&world, "sms").await;
    for n in 0..300 {
        assert_eq!(log_in(&router, &world, true, VISITOR).await.0, 201, "{n}");
    }
    let wrong = BudgetSpend {
        budget: BudgetName::RefusedLoginCodes,
        subject: BudgetSubject::Address(ClientAddress::parse(VISITOR).unwrap()),
        tokens: capacity(BudgetName::RefusedLoginCodes),
    };
    world.store.spend(&wrong, world.clock.now()).await.unwrap();
    world.clock.advance(SECOND_MS);
    assert_eq!(log_in(&router, &world, true, VISITOR).await.0, 201, "nor does another one's wrong code cost them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wrong_codes_of_an_address_are_counted_exactly_over_processes() {
    let world = std::sync::Arc::new(World::new().await);
    let routers = [organization(&world, "sms").await, organization(&world, "sms").await];
    let tasks = (0..90_usize).map(|n| {
        let (world, router) = (std::sync::Arc::clone(&world), routers[n % 2].clone());
        tokio::spawn(async move { log_in(&router, &world, false, ATTACKER).await })
    });
    let mut answers = std::collections::BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        *answers.entry(task.await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(answers.remove(&code_invalid()), Some(60));
    assert_eq!(answers, std::collections::BTreeMap::from([(refused_by(BudgetName::RefusedLoginCodes), 30)]));
}
