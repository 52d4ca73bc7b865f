//! The checked-in API document and routes equal those of the code.

use std::collections::BTreeMap;

use serde_json::Value;

#[test]
fn the_checked_in_contract_is_current() {
    let checked_in = include_str!("../../infra/openapi.json");
    assert!(
        mingpian_tests::document().unwrap() == checked_in,
        "infra/openapi.json is out of date: run scripts/openapi and review the difference"
    );
}

#[test]
fn the_checked_in_routes_are_current() {
    let checked_in = include_str!("../../infra/routes.json");
    assert!(
        mingpian_tests::routes().unwrap() == checked_in,
        "infra/routes.json is out of date: run scripts/openapi and review the difference"
    );
}

#[test]
fn each_operation_of_the_document_is_served_by_one_function() {
    let routes: BTreeMap<String, Vec<String>> = serde_json::from_str(&mingpian_tests::routes().unwrap()).unwrap();
    let mut served: Vec<String> = routes.into_values().flatten().collect();
    served.sort();
    let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut operations: Vec<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter().filter(|(_, value)| value["operationId"].is_string());
            methods.map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    operations.sort();
    assert_eq!(served, operations);
}
