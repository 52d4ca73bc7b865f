use std::collections::BTreeSet;

use domain::kernel::failure::Failure;

use super::*;

#[test]
fn codes_are_unique() {
    let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
}

#[test]
fn each_resource_has_a_code_of_its_own() {
    assert_eq!(Problem::from(Failure::Exhausted(Resource::Seats)).code(), Code::SeatsExhausted);
    assert_eq!(Problem::from(Failure::Exhausted(Resource::Sockets)).code(), Code::TooManyRequests);
}

#[test]
fn existing_items_are_named_where_the_caller_can_act_on_them() {
    let code = |thing| Problem::from(Failure::Exists(thing)).code();
    assert_eq!(code(Thing::App), Code::AppidTaken);
    assert_eq!(code(Thing::Card), Code::CardExists);
    assert_eq!(code(Thing::Membership), Code::AlreadyMember);
    assert_eq!(code(Thing::Invitation), Code::AlreadyExists);
}

#[test]
fn a_table_that_takes_no_more_is_unavailable_and_not_a_conflict() {
    assert_eq!(Problem::from(Failure::Throttled).code(), Code::Unavailable);
}

#[test]
fn a_problem_of_a_budget_names_it_and_the_time_to_wait() {
    let over = OverBudget { budget: BudgetName::ShareCodes, wait_us: 9_000_001 };
    let problem = Problem::from(Failure::from(over));
    assert_eq!((problem.code(), problem.budget()), (Code::BudgetExhausted, Some(BudgetName::ShareCodes)));
    let response = problem.render("r-1");
    assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (429, &"10".parse().unwrap()));
}

#[test]
fn a_server_error_says_nothing_of_its_cause() {
    let problem = Problem::from(Failure::Corrupt("card crd_1: type is None".to_owned()));
    assert!(problem.cause().is_some_and(|cause| cause.contains("crd_1")));
    let body = format!("{:?}", problem.render("r-1"));
    assert!(!body.contains("crd_1"));
}
