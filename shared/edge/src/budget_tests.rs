use domain::company::Company;
use domain::kernel::id::{CompanyId, Id, PersonId};
use uuid::Uuid;

use super::*;

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

fn person(n: u128) -> BudgetSubject {
    BudgetSubject::Person(Company::granted(CompanyId::from_uuid(Uuid::nil())), PersonId::from_uuid(Uuid::from_u128(n)))
}

fn all_of(name: BudgetName, subject: BudgetSubject) -> BudgetSpend {
    BudgetSpend { budget: name, subject, tokens: name.budget().rates[0].capacity }
}

#[test]
fn tokens_are_taken_from_all_buckets_or_from_none() {
    let budgets = MemoryBudgets::default();
    budgets.spend(&[all_of(BudgetName::Events, person(1))], noon()).unwrap();
    let both = [BudgetSpend::one(BudgetName::Requests, person(1)), BudgetSpend::one(BudgetName::Events, person(1))];
    assert_eq!(budgets.spend(&both, noon()).unwrap_err().budget, BudgetName::Events);
    budgets.spend(&[all_of(BudgetName::Requests, person(1))], noon()).unwrap();
    budgets.spend(&both[1..], noon().plus_millis(200)).unwrap();
    budgets.spend(&[all_of(BudgetName::Events, person(2))], noon()).unwrap();
}

#[test]
fn a_bucket_that_is_used_is_kept_beside_any_number_of_others() {
    let budgets = MemoryBudgets::default();
    budgets.spend(&[all_of(BudgetName::Requests, person(0))], noon()).unwrap();
    for n in 1..5 * u128::try_from(GENERATION_MAX).unwrap() {
        budgets.spend(&[BudgetSpend::one(BudgetName::Requests, person(n))], noon()).unwrap();
        // As often as a token comes back, so that it never has two.
        if n % 5_000 == 0 {
            let token_ms = BudgetName::Requests.budget().rates[0].token_us / 1_000;
            let now = noon().plus_millis(i64::try_from(n / 5_000).unwrap() * token_ms);
            budgets.spend(&[BudgetSpend::one(BudgetName::Requests, person(0))], now).unwrap();
            assert!(budgets.spend(&[BudgetSpend::one(BudgetName::Requests, person(0))], now).is_err(), "{n}");
        }
    }
    let generations = budgets.0.lock().unwrap();
    assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_MAX);
}

#[test]
fn a_refusal_of_the_table_is_remembered_until_its_time_is_over_and_looking_takes_nothing() {
    let budgets = MemoryBudgets::default();
    let refused = BudgetSpend::one(BudgetName::RefusedLoginCodes, person(1));
    for _ in 0..100 {
        budgets.look(&refused, noon()).unwrap();
    }
    let over = OverBudget { budget: BudgetName::RefusedLoginCodes, wait_us: 3_000_000 };
    budgets.remember(&refused, over, noon());
    assert_eq!(budgets.look(&refused, noon()), Err(over));
    assert_eq!(budgets.look(&refused, noon().plus_millis(2_999)).unwrap_err().wait_us, 1_000);
    budgets.look(&refused, noon().plus_millis(3_000)).unwrap();
    budgets.look(&BudgetSpend::one(BudgetName::RefusedLoginCodes, person(2)), noon()).unwrap();
}
