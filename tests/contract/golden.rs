//! The checked-in contract is the one the code has.

#[test]
fn the_checked_in_contract_is_current() {
    let checked_in = include_str!("../../infra/openapi.json");
    assert!(
        mingpian_tests::document().unwrap() == checked_in,
        "infra/openapi.json is out of date: run scripts/openapi and review the difference"
    );
}
