use domain::company::Company;
use domain::kernel::id::{CompanyId, Id, PersonId};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
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
        // One token each 200 ms, so that it never has two.
        if n % 5_000 == 0 {
            let now = noon().plus_millis(i64::try_from(n / 5_000).unwrap() * 200);
            budgets.spend(&[BudgetSpend::one(BudgetName::Requests, person(0))], now).unwrap();
            assert!(budgets.spend(&[BudgetSpend::one(BudgetName::Requests, person(0))], now).is_err(), "{n}");
        }
    }
    let generations = budgets.0.lock().unwrap();
    assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_MAX);
}

/// The parts of a request from an address, with headers.
fn request(source: &str, headers: &[(&str, &str)], secret: Option<&str>) -> Parts {
    let mut request = http::Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.http.source_ip = Some(source.to_owned());
    parts.extensions.insert(RequestContext::ApiGatewayV2(context));
    if let Some(secret) = secret {
        parts.extensions.insert(EdgeSecret(secret.into()));
    }
    parts
}

#[test]
fn the_address_is_the_callers_and_no_header_changes_it() {
    let of = |headers: &[(&str, &str)], secret| address_of(&request("203.0.113.1", headers, secret)).to_string();
    let forwarded = ("x-forwarded-for", "198.51.100.7, 198.51.100.8");
    assert_eq!(of(&[], None), "203.0.113.1");
    assert_eq!(of(&[forwarded], None), "203.0.113.1");
    assert_eq!(of(&[forwarded, ("x-edge-secret", "s")], None), "203.0.113.1", "there is no CloudFront");
    assert_eq!(of(&[forwarded, ("x-edge-secret", "other")], Some("secret")), "203.0.113.1", "past CloudFront");
    assert_eq!(of(&[forwarded], Some("secret")), "203.0.113.1", "past CloudFront");
}

#[test]
fn behind_cloudfront_the_address_is_what_cloudfront_saw() {
    let shown = ("x-edge-secret", "secret");
    let of = |forwarded: &str| {
        let headers = [("x-forwarded-for", forwarded), shown];
        address_of(&request("203.0.113.1", &headers, Some("secret"))).to_string()
    };
    // The last is CloudFront's own, added by the gateway.
    assert_eq!(of("198.51.100.8, 203.0.113.1"), "198.51.100.8");
    assert_eq!(of("made up, 10.0.0.1, 198.51.100.8, 203.0.113.1"), "198.51.100.8");
    assert_eq!(of("2001:db8:1:2::9,203.0.113.1"), "2001:db8:1:2::/64");
    assert_eq!(of("203.0.113.1"), "0.0.0.0", "who is unknown shares one bucket with all who are");
}
